import { expect, it } from "vitest";
import { headline } from "./headline";

it.each([
  ["login: Token expired", "Token expired"],
  ["login: ", "login: "],
  ["Login: Token expired", "Login: Token expired"],
  ["login", "login"],
])("%j is about %j", (title, about) => {
  expect(headline({ title, error_key: "login" })).toBe(about);
});
