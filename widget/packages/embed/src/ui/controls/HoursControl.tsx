import type { JSX } from "preact";

import { useUsher } from "../context.ts";
import { Icon } from "../icons.tsx";
import type { ControlProps } from "./Control.tsx";
import { DAYS, type Hours, isHours, weekOf } from "./values.ts";

type Day = Hours["mon"];

const DEFAULT_DAY: Day = [["09:00", "17:00"]];
const WEEKDAYS = 5;

/** A week of opening hours: a switch for each day, one or more spans for an open one. */
export function HoursControl({ value, ids, onInput }: ControlProps): JSX.Element {
  const { t } = useUsher();
  const days: Day[] = DAYS.map((name) => (isHours(value) ? value[name] : []));
  const set = (index: number, day: Day): void =>
    onInput(weekOf(days.map((old, other) => (other === index ? day : old))));
  const monday = days[0] ?? [];
  return (
    <div class="hours" role="group" aria-labelledby={ids.label} aria-describedby={ids.describedBy}>
      {days.map((day, index) => (
        <DayRow
          // The position is the day: rows never move.
          key={`day-${String(index)}`}
          index={index}
          day={day}
          onDay={(changed) => set(index, changed)}
        />
      ))}
      {monday.length > 0 && (
        <button
          type="button"
          class="quiet"
          onClick={() => onInput(weekOf(days.map((day, index) => (index < WEEKDAYS ? monday : day))))}
        >
          {t("actions.copyHours")}
        </button>
      )}
    </div>
  );
}

function DayRow({ index, day, onDay }: { index: number; day: Day; onDay(day: Day): void }): JSX.Element {
  const { t } = useUsher();
  const name = t(`days.${index}` as "days.0");
  const change = (at: number, side: 0 | 1, time: string): void =>
    onDay(day.map((span, other) => (other === at ? (side === 0 ? [time, span[1]] : [span[0], time]) : span)));
  return (
    <div class="day">
      <label class="switch">
        <input
          {...(index === 0 ? { "data-control": true } : {})}
          type="checkbox"
          role="switch"
          aria-label={t("hours.open", { day: name })}
          checked={day.length > 0}
          onChange={(event) => onDay(event.currentTarget.checked ? DEFAULT_DAY : [])}
        />
        <span>{name}</span>
      </label>
      <div class="spans">
        {day.length === 0 && <span class="hint">{t("hours.closed")}</span>}
        {day.map(([open, close], at) => (
          <span class="span" key={`span-${String(at)}`}>
            <input
              type="time"
              aria-label={t("hours.from", { day: name })}
              value={open}
              onInput={(event) => change(at, 0, event.currentTarget.value)}
            />
            <span aria-hidden="true">–</span>
            <input
              type="time"
              aria-label={t("hours.to", { day: name })}
              // The end of the day is 24:00 to the server and midnight to the browser's control.
              value={close === "24:00" ? "00:00" : close}
              onInput={(event) =>
                change(at, 1, event.currentTarget.value === "00:00" ? "24:00" : event.currentTarget.value)
              }
            />
            {at === 0 ? (
              <button
                type="button"
                class="quiet round"
                aria-label={`${t("actions.addHours")}: ${name}`}
                onClick={() => onDay([...day, [close, close]])}
              >
                <Icon name="plus" />
              </button>
            ) : (
              <button
                type="button"
                class="quiet round"
                aria-label={`${t("actions.removeHours")}: ${name}`}
                onClick={() => onDay(day.filter((_, other) => other !== at))}
              >
                <Icon name="close" />
              </button>
            )}
          </span>
        ))}
      </div>
    </div>
  );
}
