//! One resource of the API, and what is measured of it.

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{Resource, web};
use metrics::Histogram;

use super::edge;

const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// A resource's pattern with its histograms, which are looked up once and not with every request.
pub struct Route {
    pattern: &'static str,
    seconds: [OnceLock<Histogram>; STATUS_CLASSES.len()],
}

impl Route {
    /// What is measured under this name.
    pub const fn new(pattern: &'static str) -> Self {
        Self { pattern, seconds: [const { OnceLock::new() }; STATUS_CLASSES.len()] }
    }

    /// The pattern. Unlike a path it holds no link.
    pub const fn pattern(&self) -> &'static str {
        self.pattern
    }

    /// Counts an answer.
    pub fn measure(&self, status: StatusCode, elapsed: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, STATUS_CLASSES.len()) - 1;
        let histogram = self.seconds[class].get_or_init(|| {
            metrics::histogram!(
                "usher_http_request_seconds", "route" => self.pattern, "status" => STATUS_CLASSES[class]
            )
        });
        histogram.record(elapsed);
    }
}

/// The resource at `pattern`; methods it is not given are refused.
pub fn at(pattern: &'static str) -> Resource {
    web::resource(pattern).app_data(Route::new(pattern)).default_service(web::to(edge::method_not_allowed))
}
