"use strict";
// What the forms of these pages do: they send JSON, which no form of another site can.
// A form names where to (data-to), what else to send (data-set-NAME), and what follows:
// another page (data-next, or where the answer says), a sentence (data-done), a part of this
// page (data-then).

const say = (form, text, isGood = false) => {
  const told = form.querySelector(".told");
  told.textContent = text;
  told.classList.toggle("good", isGood);
  told.focus();
};

const fill = (values, within = document) => {
  for (const place of within.querySelectorAll("[data-fill]")) {
    const value = values[place.dataset.fill];
    if (value === undefined || value === null) continue;
    if (place.dataset.link) place.href = value;
    else if ("value" in place) place.value = value;
    else place.textContent = Array.isArray(value) ? value.join("\n") : value;
  }
};

const reveal = (values) => {
  for (const part of document.querySelectorAll("[data-if]")) part.hidden = !values[part.dataset.if];
  for (const part of document.querySelectorAll("[data-unless]")) {
    part.hidden = Boolean(values[part.dataset.unless]);
  }
};

const post = async (path, body) => {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-headgate": "1" },
    body: JSON.stringify(body),
  });
  return [answer.ok, await answer.json()];
};

const bodyOf = (form, button) => {
  const body = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  delete body.username;
  if (form.dataset.token) body.token = location.hash.slice(1);
  for (const from of [form, button]) {
    for (const [name, value] of Object.entries(from ? from.dataset : {})) {
      if (name.startsWith("set")) body[name[3].toLowerCase() + name.slice(4)] = JSON.parse(value);
    }
  }
  return body;
};

const follow = (form, answer) => {
  if (answer.location) return location.assign(answer.location);
  if (form.dataset.next) {
    return location.assign(form.dataset.next + (form.dataset.carry ? location.hash : ""));
  }
  if (form.dataset.then) {
    fill(answer);
    reveal(answer);
    form.hidden = true;
    const next = document.getElementById(form.dataset.then);
    next.hidden = false;
    const input = next.querySelector("input:not([readonly])");
    return input ? input.focus() : next.scrollIntoView();
  }
  form.reset();
  return say(form, form.dataset.done, true);
};

const send = async (form, button) => {
  const [isOk, answer] = await post(form.dataset.to, bodyOf(form, button));
  if (isOk) return follow(form, answer);
  const { message, extensions } = answer.errors[0];
  const step = form.querySelector(`[data-step="${extensions.code}"]`);
  say(form, message);
  if (step) {
    step.hidden = false;
    step.querySelector("input").focus();
  }
  return undefined;
};

// An invitation's token goes along to the sign-in page and back, always behind the #.
for (const link of document.querySelectorAll("a[data-carry]")) link.hash = location.hash;

for (const form of document.querySelectorAll("form[data-to]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const buttons = [...form.querySelectorAll("button")];
    for (const button of buttons) button.disabled = true;
    send(form, event.submitter)
      .catch(() => say(form, "The server cannot be reached; try again."))
      .finally(() => { for (const button of buttons) button.disabled = false; });
  });
  // What a page needs to ask before it can show anything: a link's token stays behind the #.
  if (form.dataset.now) form.requestSubmit();
}
