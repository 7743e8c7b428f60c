import assert from "node:assert/strict";
import { test } from "node:test";

import { browserTests } from "./harness.mjs";

const ui = browserTests();

test("a call in the page shows captions, takes typed answers into the form and says when it is over", async () => {
  await ui.openHosted();
  await ui.mode("Talk").click();
  await ui.page.getByRole("button", { name: "Start talking" }).click();
  const captions = ui.page.getByRole("log", { name: "Captions" });
  await captions.getByText("What is the exact name of your business").waitFor();
  assert.deepEqual(await ui.accessibilityProblems(), []);

  await ui.page.getByRole("textbox", { name: "Type something" }).fill("Rivera Dental");
  await ui.page.keyboard.press("Enter");
  await captions.getByText("Rivera Dental").waitFor();
  await captions.getByText("Which phone number should customers call?").waitFor();
  await ui.mode("Form").click();
  await ui.answer("business_name", "Rivera Dental").waitFor();

  await ui.mode("Talk").click();
  await ui.page.getByRole("button", { name: "Mute", exact: true }).click();
  await ui.page.getByRole("button", { name: "Unmute" }).waitFor();
  await ui.page.getByRole("button", { name: "End call" }).click();
  await ui.page.getByRole("heading", { name: "You ended the call." }).waitFor();
  await ui.page.getByRole("button", { name: "Call again" }).and(ui.page.locator(":focus")).waitFor();
  assert.deepEqual(await ui.accessibilityProblems(), []);
  assert.deepEqual(ui.complaints, []);
});
