//! One resource of the API, and what is measured of it.

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::{FromRequest, Handler, Resource, Responder, web};
use metrics::Histogram;

use super::edge;

const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// A resource's pattern with its histograms, which are looked up once and not with every request.
pub struct Route {
    pattern: &'static str,
    allow: &'static str,
    seconds: [OnceLock<Histogram>; STATUS_CLASSES.len()],
}

impl Route {
    /// What is measured under this name, and the methods it knows.
    pub const fn new(pattern: &'static str, allow: &'static str) -> Self {
        Self { pattern, allow, seconds: [const { OnceLock::new() }; STATUS_CLASSES.len()] }
    }

    /// The pattern. Unlike a path it holds no link.
    pub const fn pattern(&self) -> &'static str {
        self.pattern
    }

    /// The methods it knows, as the header `Allow` lists them.
    pub const fn allow(&self) -> HeaderValue {
        HeaderValue::from_static(self.allow)
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

/// The resource at `pattern`, which knows one method, or one to read and one to write; others are refused with the list of
/// those it knows.
pub const fn at(pattern: &'static str) -> At {
    At(pattern)
}

/// A pattern without its handler.
pub struct At(&'static str);

impl At {
    /// Answers GET, and HEAD with the same head.
    pub fn get<F, Args>(self, handler: F) -> Resource
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.reading("GET, HEAD", handler)
    }

    /// Answers POST.
    pub fn post<F, Args>(self, handler: F) -> Resource
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.knowing("POST").route(web::post().to(handler))
    }

    /// Answers PUT.
    pub fn put<F, Args>(self, handler: F) -> Resource
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.knowing("PUT").route(web::put().to(handler))
    }

    /// Answers GET and HEAD with `read`, and POST with `write`.
    pub fn get_post<R, ReadArgs, W, WriteArgs>(self, read: R, write: W) -> Resource
    where
        R: Handler<ReadArgs>,
        ReadArgs: FromRequest + 'static,
        R::Output: Responder + 'static,
        W: Handler<WriteArgs>,
        WriteArgs: FromRequest + 'static,
        W::Output: Responder + 'static,
    {
        self.reading("GET, HEAD, POST", read).route(web::post().to(write))
    }

    /// Answers GET and HEAD with `read`, and PUT with `write`.
    pub fn get_put<R, ReadArgs, W, WriteArgs>(self, read: R, write: W) -> Resource
    where
        R: Handler<ReadArgs>,
        ReadArgs: FromRequest + 'static,
        R::Output: Responder + 'static,
        W: Handler<WriteArgs>,
        WriteArgs: FromRequest + 'static,
        W::Output: Responder + 'static,
    {
        self.reading("GET, HEAD, PUT", read).route(web::put().to(write))
    }

    fn reading<F, Args>(self, allow: &'static str, read: F) -> Resource
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.knowing(allow).route(web::head().to(read.clone())).route(web::get().to(read))
    }

    fn knowing(self, allow: &'static str) -> Resource {
        web::resource(self.0)
            .app_data(Route::new(self.0, allow))
            .default_service(web::to(edge::method_not_allowed))
    }
}
