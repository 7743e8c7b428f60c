//! Both lists of migrations make the same schema, down to types, defaults, keys, indexes and their conditions.

use std::collections::BTreeSet;

use crate::world::{Back, World};

/// Everything that is part of the logical schema, one line each. SQLite spells an identity column `INTEGER PRIMARY
/// KEY`, and a primary key is never null in our tables.
const OF_SQLITE: &str = "
    WITH tables AS (SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_sqlx*'
        AND name NOT GLOB 'sqlite_*')
    SELECT t.name || '.' || c.name || ' '
        || CASE upper(c.type) WHEN 'INTEGER' THEN 'bigint' WHEN 'BLOB' THEN 'bytea' ELSE lower(c.type) END
        || CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN ' not null' ELSE '' END
        || COALESCE(' default ' || lower(c.dflt_value), '')
    FROM tables t, pragma_table_info(t.name) c
    UNION ALL
    SELECT t.name || ' primary key '
        || (SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info(t.name) WHERE pk > 0 ORDER BY pk))
    FROM tables t
    UNION ALL
    SELECT t.name || CASE WHEN i.\"unique\" = 1 THEN ' unique index ' ELSE ' index ' END || i.name || ' on '
        || (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno))
        || (SELECT CASE WHEN i.partial = 1 THEN substr(sql, instr(sql, ' WHERE ')) ELSE '' END
            FROM sqlite_master WHERE name = i.name)
    FROM tables t, pragma_index_list(t.name) i WHERE i.origin = 'c'
    UNION ALL
    SELECT t.name || ' ' || group_concat(f.\"from\") || ' references ' || f.\"table\" || ' ' || group_concat(f.\"to\")
    FROM tables t, pragma_foreign_key_list(t.name) f GROUP BY t.name, f.id, f.\"table\"";

const OF_POSTGRES: &str = "
    WITH tables AS (SELECT oid, relname AS name FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE '\\_sqlx%'),
    names AS (SELECT i.indexrelid, string_agg(a.attname, ',' ORDER BY k.n) AS columns
        FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (attnum, n), pg_attribute a
        WHERE a.attrelid = i.indrelid AND a.attnum = k.attnum GROUP BY i.indexrelid)
    SELECT t.name || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
        || COALESCE(' default ' || replace(lower(pg_get_expr(d.adbin, d.adrelid)), '::text', ''), '')
    FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
    UNION ALL
    SELECT t.name || ' primary key ' || n.columns
    FROM tables t JOIN pg_index i ON i.indrelid = t.oid JOIN names n ON n.indexrelid = i.indexrelid
    WHERE i.indisprimary
    UNION ALL
    SELECT t.name || CASE WHEN i.indisunique THEN ' unique index ' ELSE ' index ' END || x.relname || ' on ' || n.columns
        || COALESCE(' WHERE ' || replace(trim(BOTH '()' FROM pg_get_expr(i.indpred, i.indrelid)), '::text', ''), '')
    FROM tables t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class x ON x.oid = i.indexrelid
    JOIN names n ON n.indexrelid = i.indexrelid WHERE NOT i.indisprimary
    UNION ALL
    SELECT t.name || ' ' || string_agg(a.attname, ',' ORDER BY k.n) || ' references ' || f.relname || ' '
        || string_agg(b.attname, ',' ORDER BY k.n)
    FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'f' JOIN pg_class f ON f.oid = c.confrelid
    CROSS JOIN unnest(c.conkey, c.confkey) WITH ORDINALITY AS k (ours, theirs, n)
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.ours
    JOIN pg_attribute b ON b.attrelid = f.oid AND b.attnum = k.theirs GROUP BY t.name, c.oid, f.relname";

async fn schema_of(world: &World) -> BTreeSet<String> {
    let mut back = world.back().await;
    let query = match back {
        Back::Sqlite(_) => OF_SQLITE,
        Back::Postgres(_) => OF_POSTGRES,
    };
    back.texts(query).await.into_iter().collect()
}

fn differences(one: &BTreeSet<String>, other: &BTreeSet<String>) -> Vec<String> {
    one.symmetric_difference(other).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_get_the_same_schema_from_the_same_versions() {
    let (sqlite, postgres) = (World::on_sqlite().await, World::on_postgres().await);
    let schema = schema_of(&sqlite).await;
    assert!(
        schema.contains("journal unique index journal_dedup on org_id,dedup_key WHERE dedup_key IS NOT NULL")
    );
    assert!(schema.contains("sessions.status text not null default 'active'"), "{schema:#?}");
    assert_eq!(differences(&schema, &schema_of(&postgres).await), Vec::<String>::new());
    let (ours, theirs) = (sqlite.store.db().schema_status(), postgres.store.db().schema_status());
    let (ours, theirs) = (ours.await.unwrap(), theirs.await.unwrap());
    assert_eq!(ours, theirs);
    assert!(ours.iter().all(|version| version.applied));
}

/// The broken variant: each of these changes, made on one engine only, is reported.
#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_was_altered_on_one_engine_is_reported() {
    let (sqlite, postgres) = (World::on_sqlite().await, World::on_postgres().await);
    let mut back = postgres.back().await;
    let mut expected = schema_of(&sqlite).await;
    for (change, reported) in [
        ("DROP INDEX journal_seq", "unique index journal_seq"),
        ("ALTER TABLE outbox ALTER COLUMN due DROP NOT NULL", "outbox.due"),
        ("ALTER TABLE sessions ALTER COLUMN status SET DEFAULT 'complete'", "sessions.status"),
        ("ALTER TABLE timers ALTER COLUMN due TYPE integer", "timers.due integer"),
        ("ALTER TABLE contacts ADD COLUMN nickname text", "contacts.nickname"),
        ("ALTER TABLE suppressions DROP CONSTRAINT suppressions_pkey", "suppressions primary key"),
        ("ALTER TABLE twilio_numbers DROP CONSTRAINT twilio_numbers_org_id_account_sid_fkey", "references"),
    ] {
        back.execute(change).await;
        let found = schema_of(&postgres).await;
        let different = differences(&expected, &found);
        assert!(different.iter().any(|line| line.contains(reported)), "{change}: {different:?}");
        expected = found;
    }
}
