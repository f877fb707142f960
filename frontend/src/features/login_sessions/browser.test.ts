import { expect, test } from "vitest";
import { browserOf } from "@/features/login_sessions/browser";

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36", "Chrome on Linux"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit Version/18 Safari/604", "Safari on iPhone"],
  ["curl/8.5", "curl/8.5"],
  [null, "A program that gave no name"],
])("%s is %s", (userAgent, name) => expect(browserOf(userAgent)).toBe(name));
