import type { Translate } from "@usher/core";
import type { FieldView } from "@usher/protocol";

/** Open intervals of a week, Monday first, as the server's normalised form has them. */
export interface Hours {
  days: [open: string, close: string][][];
}

interface Money {
  minor: number;
  currency: string;
}

/** A normalised answer as the control that edits it wants it. */
export function editable(field: FieldView, value: unknown): unknown {
  if (value === null || value === undefined) return empty(field);
  if (field.type === "currency" && isMoney(value)) return majorUnits(value);
  if (field.type === "number") return String(value);
  return value;
}

function empty(field: FieldView): unknown {
  if (field.type === "multi_select") return [];
  if (field.type === "business_hours") return { days: Array.from({ length: 7 }, () => []) } satisfies Hours;
  return field.type === "boolean" ? null : "";
}

/** Whether nothing was entered. Everything else is for the server to judge. */
export function isEmpty(value: unknown): boolean {
  if (typeof value === "string") return value.trim() === "";
  if (Array.isArray(value)) return value.length === 0;
  return value === null || value === undefined;
}

/** What was entered, for reading until the server's own words arrive. */
export function displayOf(field: FieldView, value: unknown, locale: string, t: Translate): string {
  if (field.sensitive) return "••••";
  const label = (id: unknown): string =>
    field.options.find((option) => option.id === id)?.label ?? String(id);
  if (field.type === "select") return label(value);
  if (Array.isArray(value)) return new Intl.ListFormat(locale, { type: "unit" }).format(value.map(label));
  if (typeof value === "boolean") return t(value ? "actions.yes" : "actions.no");
  if (isHours(value)) {
    const open = value.days.flatMap((day, index) =>
      day.length ? [`${t(`days.${index}` as "days.0")} ${day.map((span) => span.join("–")).join(", ")}`] : [],
    );
    return open.join("; ") || t("hours.closed");
  }
  return String(value);
}

/** The currency of an earlier answer, the only one that is known before the server has read a new one. */
export function currencyOf(field: FieldView): string | null {
  const value = field.answer?.value;
  return isMoney(value) ? value.currency : null;
}

export function isHours(value: unknown): value is Hours {
  return typeof value === "object" && value !== null && "days" in value && Array.isArray(value.days);
}

function isMoney(value: unknown): value is Money {
  return typeof value === "object" && value !== null && "minor" in value && "currency" in value;
}

function majorUnits({ minor, currency }: Money): string {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return (minor / 10 ** digits).toFixed(digits);
}
