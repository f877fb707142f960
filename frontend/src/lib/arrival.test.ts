// @vitest-environment jsdom
import { beforeEach, expect, test } from "vitest";
import { arriveAt, noteDeparture } from "@/lib/arrival";

beforeEach(() => {
  document.body.innerHTML = '<a href="/runs">Runs</a><h1 tabindex="-1">Runs</h1><input />';
});

function find(name: string): HTMLElement {
  return document.querySelector(name) as HTMLElement;
}

test("who follows a link arrives at the heading, once", () => {
  find("a").focus();
  noteDeparture();

  arriveAt(find("h1"));
  expect(document.activeElement).toBe(find("h1"));
  find("a").focus();
  arriveAt(find("h1"));

  expect(document.activeElement).toBe(find("a"));
});

test("who types already is left where they are", () => {
  find("a").focus();
  noteDeparture();
  find("input").focus();

  arriveAt(find("h1"));

  expect(document.activeElement).toBe(find("input"));
});

test("the page that is opened first takes no focus", () => {
  arriveAt(find("h1"));

  expect(document.activeElement).toBe(document.body);
});
