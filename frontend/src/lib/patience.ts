/** Asking again where the server says that it was asked too much: nothing was done then, so that nothing is done twice. */

const TOO_MANY = 429;
const MOST_TRIES = 4;
const MOST_SECONDS = 10;

type Fetch = typeof fetch;

/** Returns a fetch that waits as long as the server asks for, a few times; then the refusal is what came. */
export function patient(fetchOnce: Fetch): Fetch {
  return async (input, init) => {
    for (let attempt = 1; ; attempt += 1) {
      // Each waits for what came before it.
      // oxlint-disable-next-line no-await-in-loop
      const response = await fetchOnce(input, init);
      const seconds = Number(response.headers.get("retry-after"));
      if (response.status !== TOO_MANY || attempt === MOST_TRIES || !(seconds <= MOST_SECONDS)) return response;
      // oxlint-disable-next-line no-await-in-loop
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  };
}
