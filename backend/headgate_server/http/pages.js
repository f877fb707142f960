"use strict";
// What the forms of these pages do: they send JSON, which no form of another site can.

const form = document.querySelector("form");
const told = document.querySelector("#told");

const say = (text) => { told.textContent = text; told.focus(); };

const send = async () => {
  const body = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  if (form.dataset.token) body.token = location.hash.slice(1);
  const answer = await fetch(form.dataset.to, {
    method: "POST",
    headers: { "content-type": "application/json", "x-headgate": "1" },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (answer.ok) return form.dataset.next ? location.assign(form.dataset.next) : say(form.dataset.done);
  const { message, extensions } = said.errors[0];
  if (extensions.code === "CODE_NEEDED") {
    const step = document.querySelector("#code-step");
    step.hidden = false;
    step.querySelector("input").focus();
  }
  return say(message);
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  send().catch(() => say("The server cannot be reached; try again.")).finally(() => { button.disabled = false; });
});
