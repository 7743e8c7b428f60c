//! SQL texts as values, and the macros that run one text on either driver.

use std::sync::{Arc, OnceLock};

use sqlx::AssertSqlSafe;

use super::dialect::Placeholders;

/// The most rows of one multi-row statement.
pub const MAX_ROWS: usize = 256;
/// Up to so many rows every number has a text of its own.
const FEW: usize = 16;
/// Beyond, texts exist for 32, 64, … [`MAX_ROWS`] rows, so that they all fit in the drivers' statement caches.
const SIZES: usize = FEW + (MAX_ROWS / FEW).ilog2() as usize;

/// The place of the text for `count` rows, which is one of [`batches`]' lengths.
fn place(count: usize) -> usize {
    debug_assert!(count.is_power_of_two() || count <= FEW);
    if count <= FEW { count - 1 } else { FEW + (count / FEW).ilog2() as usize - 1 }
}

/// A named SQL text that means the same on both engines.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The constant it is declared as.
    pub name: &'static str,
    sql: &'static str,
}

impl Statement {
    pub(crate) const fn new(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql }
    }

    /// The text.
    pub const fn sql(&self) -> &'static str {
        self.sql
    }
}

/// A statement whose parameter list repeats: a multi-row `VALUES` or the list of an `IN`. Every placeholder is in an item.
#[derive(Debug)]
pub struct Repeated {
    /// The constant it is declared as.
    pub name: &'static str,
    head: &'static str,
    /// One item, its placeholders written `?`.
    item: &'static str,
    tail: &'static str,
    numbered: [OnceLock<Arc<str>>; SIZES],
    plain: [OnceLock<Arc<str>>; SIZES],
}

impl Repeated {
    pub(crate) const fn new(
        name: &'static str,
        head: &'static str,
        item: &'static str,
        tail: &'static str,
    ) -> Self {
        let texts = [const { OnceLock::new() }; SIZES];
        Self { name, head, item, tail, numbered: texts, plain: [const { OnceLock::new() }; SIZES] }
    }

    /// The text for `count` items, one of the lengths of [`batches`], as this connection's engine wants it.
    pub(crate) fn text<C: Placeholders>(&self, _connection: &C, count: usize) -> AssertSqlSafe<Arc<str>> {
        self.written(C::NUMBERED, count)
    }

    /// The text for `count` items with placeholders that are numbered or not.
    pub(crate) fn written(&self, numbered: bool, count: usize) -> AssertSqlSafe<Arc<str>> {
        let texts = if numbered { &self.numbered } else { &self.plain };
        let text = texts[place(count)].get_or_init(|| self.write(numbered, count).into());
        // Made of constants and placeholders only.
        AssertSqlSafe(Arc::clone(text))
    }

    fn write(&self, numbered: bool, count: usize) -> String {
        use std::fmt::Write as _;
        let mut text = String::from(self.head);
        let mut placeholder = 0;
        for item in 0..count {
            text.push_str(if item == 0 { "" } else { ", " });
            for part in self.item.split_inclusive('?') {
                match part.strip_suffix('?').filter(|_| numbered) {
                    Some(before) => {
                        placeholder += 1;
                        // Writing to a string cannot fail.
                        let _ = write!(text, "{before}${placeholder}");
                    }
                    None => text.push_str(part),
                }
            }
        }
        text.push_str(self.tail);
        text
    }
}

/// Cuts items into runs of the lengths [`Repeated`] has texts for, longest first. Every statement is a way to the database
/// and back, so the last run takes all that is left.
pub fn batches<T>(items: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let length = match rest.len() {
            0 => return None,
            few @ 1..=FEW => few,
            many => 1 << many.min(MAX_ROWS).ilog2(),
        };
        let (run, left) = rest.split_at(length);
        rest = left;
        Some(run)
    })
}

/// Declares a module's statements and lists them in `STATEMENTS`.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: $crate::db::Statement = $crate::db::Statement::new(stringify!($name), $sql);)*
        /// Every statement of this module.
        pub(crate) const STATEMENTS: &[$crate::db::Statement] = &[$($name),*];
    };
}

/// Runs one body with the connection of whichever engine the transaction is on.
macro_rules! on_tx {
    ($tx:expr, $connection:ident => $body:expr) => {
        match $tx {
            $crate::db::Tx::Sqlite(tx) => {
                let $connection = tx.connection();
                $body
            }
            $crate::db::Tx::Postgres(tx) => {
                let $connection = &mut **tx;
                $body
            }
        }
    };
}

/// All rows of a statement as `$row`.
macro_rules! fetch_all {
    ($tx:expr, $row:ty, $statement:expr $(, $bind:expr)* $(,)?) => {
        $crate::db::on_tx!($tx, c => {
            sqlx::query_as::<_, $row>($statement.sql())$(.bind($bind))*.fetch_all(c).await
        })
        .map_err($crate::db::DbError::from)
    };
}

/// The only row of a statement as `$row`, if there is one.
macro_rules! fetch_optional {
    ($tx:expr, $row:ty, $statement:expr $(, $bind:expr)* $(,)?) => {
        $crate::db::on_tx!($tx, c => {
            sqlx::query_as::<_, $row>($statement.sql())$(.bind($bind))*.fetch_optional(c).await
        })
        .map_err($crate::db::DbError::from)
    };
}

/// The row of a statement that always has one.
macro_rules! fetch_one {
    ($tx:expr, $row:ty, $statement:expr $(, $bind:expr)* $(,)?) => {
        $crate::db::on_tx!($tx, c => {
            sqlx::query_as::<_, $row>($statement.sql())$(.bind($bind))*.fetch_one(c).await
        })
        .map_err($crate::db::DbError::from)
    };
}

/// Runs a statement and tells how many rows it touched.
macro_rules! execute {
    ($tx:expr, $statement:expr $(, $bind:expr)* $(,)?) => {
        $crate::db::on_tx!($tx, c => {
            sqlx::query($statement.sql())$(.bind($bind))*.execute(c).await.map(|done| done.rows_affected())
        })
        .map_err($crate::db::DbError::from)
    };
}

pub(crate) use {execute, fetch_all, fetch_one, fetch_optional, on_tx, statements};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_statement_numbers_its_placeholders_through_where_they_have_numbers() {
        static ROWS: Repeated = Repeated::new(
            "ROWS",
            "INSERT INTO t VALUES ",
            "(?, CAST(? AS BIGINT))",
            " ON CONFLICT DO NOTHING",
        );
        static LIST: Repeated = Repeated::new("LIST", "DELETE FROM t WHERE a IN (", "?", ")");
        let numbered =
            "INSERT INTO t VALUES ($1, CAST($2 AS BIGINT)), ($3, CAST($4 AS BIGINT)) ON CONFLICT DO NOTHING";
        assert_eq!(&*ROWS.written(true, 2).0, numbered);
        let plain =
            "INSERT INTO t VALUES (?, CAST(? AS BIGINT)), (?, CAST(? AS BIGINT)) ON CONFLICT DO NOTHING";
        assert_eq!(&*ROWS.written(false, 2).0, plain);
        assert_eq!(&*LIST.written(true, 2).0, "DELETE FROM t WHERE a IN ($1, $2)");
    }

    #[test]
    fn batches_cover_every_item_once_in_runs_that_have_a_text() {
        static ROWS: Repeated = Repeated::new("ROWS", "", "?", "");
        for count in 0..=600 {
            let items: Vec<usize> = (0..count).collect();
            let runs: Vec<&[usize]> = batches(&items).collect();
            assert_eq!(runs.concat(), items);
            assert!(
                runs.iter().all(|run| ROWS.written(false, run.len()).0.matches('?').count() == run.len())
            );
        }
    }
}
