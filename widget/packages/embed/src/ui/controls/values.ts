import type { Translate } from "@usher/core";
import type { FieldView } from "@usher/protocol";

/** The days of a week as the server's normalised form names them. */
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** Open intervals of every day; none is closed. */
export type Hours = Record<(typeof DAYS)[number], [open: string, close: string][]>;

/** A week from the hours of its days, Monday first. */
export function weekOf(days: Hours["mon"][]): Hours {
  return Object.fromEntries(DAYS.map((name, index) => [name, days[index] ?? []])) as Hours;
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
  if (field.type === "business_hours") return weekOf([]);
  return field.type === "boolean" ? null : "";
}

/** Whether nothing was entered. Everything else is for the server to judge. */
export function isEmpty(value: unknown): boolean {
  if (typeof value === "string") return value.trim() === "";
  if (Array.isArray(value)) return value.length === 0;
  if (isHours(value)) return DAYS.every((day) => value[day].length === 0);
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
    const open = DAYS.flatMap((name, index) => {
      const spans = value[name].map((span) => span.join("–")).join(", ");
      return spans ? [`${t(`days.${index}` as "days.0")} ${spans}`] : [];
    });
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
  return typeof value === "object" && value !== null && DAYS.every((name) => name in value);
}

function isMoney(value: unknown): value is Money {
  return typeof value === "object" && value !== null && "minor" in value && "currency" in value;
}

function majorUnits({ minor, currency }: Money): string {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return (minor / 10 ** digits).toFixed(digits);
}
