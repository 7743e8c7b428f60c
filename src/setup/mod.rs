//! What an operator sets up until staff have pages for it: an organisation, its questions, its number, its conversations.
//! All of it needs the operator's key.
//!
//! | file | what lives there |
//! |---|---|
//! | [`orgs`] | organisations |
//! | [`flows`] | the questions they ask |
//! | [`numbers`] | the numbers they are reached at |
//! | [`sessions`] | conversations they begin |

pub mod flows;
pub mod numbers;
pub mod orgs;
pub mod sessions;

use actix_web::web;

use crate::web::route::at;

/// Mounts the routes.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(at("/api/orgs").get_post(orgs::list, orgs::create))
        .service(at("/api/orgs/{org}/flow").put(flows::save))
        .service(at("/api/orgs/{org}/numbers/{phone}").put(numbers::connect))
        .service(at("/api/orgs/{org}/sessions").post(sessions::begin));
}
