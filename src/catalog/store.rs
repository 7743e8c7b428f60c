//! The SQL of services, packages and flows.

use std::sync::Arc;

use usher_conversation::flow::Flow;
use usher_conversation::id::{OrgId, PackageId, ServiceId};
use usher_conversation::ports::StoreError;

use super::{Offer, Package, Service};
use crate::db::{DbError, Scope, execute, fetch_all, statements};
use crate::store::{Store, corrupt, parse_id};

statements! {
    INSERT_SERVICE = "INSERT INTO services \
        (org_id, service_id, name, description, required_fields, setup_steps, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    INSERT_PACKAGE = "INSERT INTO packages (org_id, package_id, name, created_at) VALUES ($1, $2, $3, $4)";
    INSERT_PACKAGE_SERVICE = "INSERT INTO package_services (org_id, package_id, service_id, position) \
        VALUES ($1, $2, $3, $4)";
    SERVICES_OF_PACKAGE = "SELECT v.service_id, v.name, v.description, v.required_fields, v.setup_steps \
        FROM package_services p JOIN services v ON v.org_id = p.org_id AND v.service_id = p.service_id \
        WHERE p.org_id = $1 AND p.package_id = $2 ORDER BY p.position";
    INSERT_FLOW = "INSERT INTO flows (org_id, flow_id, version, definition, created_at) VALUES ($1, $2, $3, $4, $5)";
}

#[derive(sqlx::FromRow)]
struct ServiceRow {
    service_id: String,
    name: String,
    description: String,
    required_fields: String,
    setup_steps: String,
}

impl TryFrom<ServiceRow> for Service {
    type Error = DbError;

    fn try_from(row: ServiceRow) -> Result<Self, DbError> {
        Ok(Self {
            id: parse_id(&row.service_id)?,
            offer: Offer {
                name: row.name,
                description: row.description,
                required_data_fields: serde_json::from_str(&row.required_fields).map_err(|e| corrupt(&e))?,
                setup_steps: serde_json::from_str(&row.setup_steps).map_err(|e| corrupt(&e))?,
            },
        })
    }
}

impl Store {
    /// A new service.
    pub async fn create_service(&self, org: &OrgId, offer: Offer) -> Result<Service, StoreError> {
        let (store, org) = (self.clone(), org.clone());
        self.run(async move {
            let now = store.clock().now();
            let id = ServiceId::new(now, store.entropy().bits());
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            execute!(
                &mut tx,
                INSERT_SERVICE,
                org.as_str(),
                id.as_str(),
                offer.name.as_str(),
                offer.description.as_str(),
                serde_json::to_string(&offer.required_data_fields).map_err(|e| corrupt(&e))?,
                serde_json::to_string(&offer.setup_steps).map_err(|e| corrupt(&e))?,
                now.as_millis()
            )?;
            tx.commit().await?;
            Ok(Service { id, offer })
        })
        .await
    }

    /// A new package of services of the same organisation.
    pub async fn create_package(
        &self,
        org: &OrgId,
        name: &str,
        services: Vec<ServiceId>,
    ) -> Result<Package, StoreError> {
        let (store, org, name) = (self.clone(), org.clone(), name.to_owned());
        self.run(async move {
            let now = store.clock().now();
            let id = PackageId::new(now, store.entropy().bits());
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            execute!(&mut tx, INSERT_PACKAGE, org.as_str(), id.as_str(), name.as_str(), now.as_millis())?;
            for (position, service) in (0_i64..).zip(&services) {
                execute!(
                    &mut tx,
                    INSERT_PACKAGE_SERVICE,
                    org.as_str(),
                    id.as_str(),
                    service.as_str(),
                    position
                )?;
            }
            tx.commit().await?;
            Ok(Package { id, name, services })
        })
        .await
    }

    /// What is in a package, in order.
    pub async fn services_of_package(
        &self,
        org: &OrgId,
        package: &PackageId,
    ) -> Result<Vec<Service>, StoreError> {
        let (db, org, package) = (self.db().clone(), org.clone(), package.clone());
        self.run(async move {
            let mut tx = db.read(Scope::Org(&org)).await?;
            fetch_all!(&mut tx, ServiceRow, SERVICES_OF_PACKAGE, org.as_str(), package.as_str())?
                .into_iter()
                .map(Service::try_from)
                .collect()
        })
        .await
    }

    /// Saves a version of a flow, for good: sessions are pinned to it. A change is saved under a new id.
    pub async fn save_flow(&self, org: &OrgId, flow: Flow) -> Result<Arc<Flow>, StoreError> {
        let (store, org) = (self.clone(), org.clone());
        self.run(async move {
            let definition = serde_json::to_string(&flow).map_err(|e| corrupt(&e))?;
            let mut tx = store.db().write(Scope::Org(&org)).await?;
            execute!(
                &mut tx,
                INSERT_FLOW,
                org.as_str(),
                flow.id.as_str(),
                i64::from(flow.version),
                definition,
                store.clock().now().as_millis()
            )?;
            tx.commit().await?;
            let flow = Arc::new(flow);
            store.flows().insert(flow.id.clone(), Arc::clone(&flow));
            Ok(flow)
        })
        .await
    }
}
