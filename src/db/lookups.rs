//! Look-ups that wait at one time share a trip to the database, as small writes share a transaction (`together`). After a
//! restart every open page asks at once, and a statement costs more on its way than in the engine.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, oneshot};
use usher_conversation::id::OrgId;
use usher_conversation::ports::{BoxFuture, StoreError};

use super::{Db, DbError};

/// Look-ups of one trip.
const TOGETHER: usize = 64;
/// Trips at one time: while one brings much, the next does not wait for it.
const TRIPS: usize = 2;

/// What was found for each key, in the order of the keys.
pub(crate) type Found<V> = BoxFuture<'static, Result<Vec<V>, DbError>>;

/// The look-ups of one kind.
pub(crate) struct Lookups<K, V> {
    db: Db,
    queue: mpsc::Sender<Wanted<K, V>>,
}

struct Wanted<K, V> {
    key: K,
    answer: oneshot::Sender<Result<V, StoreError>>,
}

impl<K: Send + 'static, V: Send + 'static> Lookups<K, V> {
    /// Starts the task that makes them. It ends with the last of what was asked when this is dropped.
    pub(crate) fn start(db: &Db, find: fn(Db, Vec<K>) -> Found<V>) -> Self {
        let (sender, queue) = mpsc::channel(TOGETHER);
        db.spawn(run(db.clone(), queue, find));
        Self { db: db.clone(), queue: sender }
    }

    /// What there is for `key` at a moment after the call. The search ends even when the caller goes away. Behind trips
    /// that hear nothing, a caller waits no longer than for one.
    pub(crate) async fn find(&self, key: K) -> Result<V, StoreError> {
        let (answer, found) = oneshot::channel();
        let asked = async {
            self.queue.send(Wanted { key, answer }).await.map_err(|_| DbError::Stopped)?;
            found.await.map_err(|_| DbError::Stopped)
        };
        self.db.in_time(asked).await?
    }
}

async fn run<K, V>(db: Db, mut queue: mpsc::Receiver<Wanted<K, V>>, find: fn(Db, Vec<K>) -> Found<V>)
where
    K: Send + 'static,
    V: Send + 'static,
{
    let trips = Arc::new(Semaphore::new(TRIPS));
    while let Ok(trip) = Arc::clone(&trips).acquire_owned().await {
        let mut wanted = Vec::new();
        if queue.recv_many(&mut wanted, TOGETHER).await == 0 {
            return;
        }
        let (keys, answers): (Vec<_>, Vec<_>) =
            wanted.into_iter().map(|Wanted { key, answer }| (key, answer)).unzip();
        let search = find(db.clone(), keys);
        let within = db.clone();
        db.spawn(async move {
            let found = within.in_time(search).await.map_err(StoreError::from);
            drop(trip);
            let mut found = found.map(Vec::into_iter);
            for answer in answers {
                let its = match &mut found {
                    Ok(found) => found.next().ok_or_else(|| StoreError::from(DbError::Stopped)),
                    Err(error) => Err(error.clone()),
                };
                // Whoever went away need not be told.
                let _ = answer.send(its);
            }
        });
    }
}

/// The keys of each organisation with their places among all: a transaction acts on behalf of one.
pub(crate) fn of_each_org<K>(keys: &[(OrgId, K)]) -> Vec<(&OrgId, Vec<(i64, &K)>)> {
    let mut orgs: Vec<(&OrgId, Vec<(i64, &K)>)> = Vec::new();
    for (place, (org, key)) in (0..).zip(keys) {
        match orgs.iter_mut().find(|(known, _)| *known == org) {
            Some((_, its)) => its.push((place, key)),
            None => orgs.push((org, vec![(place, key)])),
        }
    }
    orgs
}
