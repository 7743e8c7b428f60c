import type { FieldType, FieldView } from "@usher/protocol";
import type { JSX } from "preact";

import { useUsher } from "../context.ts";
import { useRare } from "../parts.ts";
import { CheckList, DropDown, RadioList } from "./choices.tsx";
import { currencyOf } from "./values.ts";

export interface ControlIds {
  control: string;
  label: string;
  describedBy: string | undefined;
}

export interface ControlProps {
  field: FieldView;
  value: unknown;
  invalid: boolean;
  ids: ControlIds;
  onInput(value: unknown): void;
}

/** More options than this are easier to find in a drop-down. */
const RADIO_LIMIT = 7;

interface InputKind {
  type: string;
  inputMode?: string;
  autoComplete?: string;
  autoCapitalize?: string;
}

/** The native input of each one-line type, with what helps a phone's keyboard and the browser's autofill. */
const INPUTS: Partial<Record<FieldType, InputKind>> = {
  person_name: { type: "text", autoComplete: "name", autoCapitalize: "words" },
  phone: { type: "tel", inputMode: "tel", autoComplete: "tel" },
  email: { type: "email", inputMode: "email", autoComplete: "email", autoCapitalize: "none" },
  url: { type: "url", inputMode: "url", autoComplete: "url", autoCapitalize: "none" },
  number: { type: "text", inputMode: "decimal", autoComplete: "off" },
  currency: { type: "text", inputMode: "decimal", autoComplete: "off" },
  date: { type: "date" },
  time: { type: "time" },
};

/** Autofill names for plain text fields, by what agencies call them. */
const AUTOCOMPLETE: [pattern: RegExp, name: string][] = [
  [/(business|company|organi[sz]ation|legal)_?name|^company$/, "organization"],
  [/job_?title|^role$/, "organization-title"],
  [/(zip|postal|postcode)/, "postal-code"],
  [/^city$|_city$/, "address-level2"],
  [/^state$|_state$/, "address-level1"],
  [/^country$/, "country-name"],
];

/** Whether the control is several elements that share the question as their legend. */
export function isGroup({ type, options }: FieldView): boolean {
  return (
    type === "boolean" ||
    type === "multi_select" ||
    type === "business_hours" ||
    type === "file" ||
    (type === "select" && options.length <= RADIO_LIMIT)
  );
}

/** The control that fits a field. */
export function Control(props: ControlProps): JSX.Element {
  const { t } = useUsher();
  const rare = useRare();
  const { field } = props;
  switch (field.type) {
    case "boolean":
      return (
        <RadioList
          {...props}
          options={[
            { value: true, label: t("actions.yes") },
            { value: false, label: t("actions.no") },
          ]}
        />
      );
    case "select":
      return field.options.length > RADIO_LIMIT ? (
        <DropDown {...props} />
      ) : (
        <RadioList {...props} options={field.options.map(({ id, label }) => ({ value: id, label }))} />
      );
    case "multi_select":
      return <CheckList {...props} />;
    case "business_hours":
      return rare ? <rare.HoursControl {...props} /> : <></>;
    case "long_text":
      return <TextArea {...props} rows={4} />;
    case "address":
      return <TextArea {...props} rows={3} autoComplete="street-address" />;
    default:
      return <Line {...props} />;
  }
}

function Line({ field, value, invalid, ids, onInput }: ControlProps): JSX.Element {
  const known = INPUTS[field.type];
  const kind: InputKind = known ?? {
    type: "text",
    autoComplete: AUTOCOMPLETE.find(([pattern]) => pattern.test(field.id))?.[1] ?? "on",
  };
  const currency = field.type === "currency" ? currencyOf(field) : null;
  const { notBefore, notAfter } = field.validation;
  return (
    <span class={currency ? "affixed" : undefined}>
      {currency && <span aria-hidden="true">{currency}</span>}
      <input
        // Preact types every kind of input apart; which one this is, is known only at run time.
        {...(kind as object)}
        data-control
        id={ids.control}
        name={field.id}
        value={String(value ?? "")}
        min={field.type === "date" ? day(notBefore) : undefined}
        max={field.type === "date" ? day(notAfter) : undefined}
        required={field.required}
        aria-invalid={invalid}
        aria-describedby={ids.describedBy}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </span>
  );
}

interface TextAreaProps extends ControlProps {
  rows: number;
  autoComplete?: string;
}

function TextArea({ field, value, invalid, ids, rows, autoComplete, onInput }: TextAreaProps): JSX.Element {
  return (
    <textarea
      data-control
      id={ids.control}
      name={field.id}
      rows={rows}
      autoComplete={autoComplete ?? "on"}
      value={String(value ?? "")}
      required={field.required}
      aria-invalid={invalid}
      aria-describedby={ids.describedBy}
      onInput={(event) => onInput(event.currentTarget.value)}
    />
  );
}

/** A date limit for the native picker: `today` is the visitor's today. */
function day(limit: string | null): string | undefined {
  if (limit !== "today") return limit ?? undefined;
  const now = new Date();
  const part = (number: number): string => String(number).padStart(2, "0");
  return `${now.getFullYear()}-${part(now.getMonth() + 1)}-${part(now.getDate())}`;
}
