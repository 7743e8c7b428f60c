import type { JSX } from "preact";

import { useUsher } from "../context.ts";
import type { ControlProps } from "./Control.tsx";

interface RadioListProps extends ControlProps {
  options: { value: unknown; label: string }[];
}

/** One of a few: large targets, arrow keys by the browser. */
export function RadioList({ options, field, value, invalid, ids, onInput }: RadioListProps): JSX.Element {
  const focused = Math.max(
    0,
    options.findIndex((option) => option.value === value),
  );
  return (
    <div
      class="choices"
      role="radiogroup"
      aria-labelledby={ids.label}
      aria-describedby={ids.describedBy}
      aria-invalid={invalid}
      aria-required={field.required}
    >
      {options.map((option, index) => (
        <label key={option.label} class="choice">
          <input
            {...(index === focused ? { "data-control": true } : {})}
            type="radio"
            name={ids.control}
            checked={option.value === value}
            onChange={() => onInput(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}

/** Some of several. */
export function CheckList({ field, value, ids, onInput }: ControlProps): JSX.Element {
  const { t } = useUsher();
  const chosen = Array.isArray(value) ? value : [];
  const toggle = (id: string, on: boolean): void =>
    // In the flow's order, as the server keeps them.
    onInput(
      field.options
        .map((option) => option.id)
        .filter((other) => (other === id ? on : chosen.includes(other))),
    );
  return (
    <div class="choices" role="group" aria-labelledby={ids.label} aria-describedby={ids.describedBy}>
      <p class="hint">{t("select.many")}</p>
      {field.options.map((option, index) => (
        <label key={option.id} class="choice">
          <input
            {...(index === 0 ? { "data-control": true } : {})}
            type="checkbox"
            checked={chosen.includes(option.id)}
            onChange={(event) => toggle(option.id, event.currentTarget.checked)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}

/** One of many. */
export function DropDown({ field, value, invalid, ids, onInput }: ControlProps): JSX.Element {
  const { t } = useUsher();
  return (
    <select
      data-control
      id={ids.control}
      value={String(value ?? "")}
      required={field.required}
      aria-invalid={invalid}
      aria-describedby={ids.describedBy}
      onChange={(event) => onInput(event.currentTarget.value)}
    >
      <option value="" disabled>
        {t("select.choose")}
      </option>
      {field.options.map((option) => (
        <option key={option.id} value={option.id}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
