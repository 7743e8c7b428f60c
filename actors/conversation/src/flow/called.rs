//! What people call a field: by its label, by its id, or as such things are usually called.

use std::sync::OnceLock;

use super::{Field, FieldType};
use crate::answer::words::{folded, longest_phrase, words};

/// What every message is held against and follows from the words of a field: made when it is first needed. A copy of a
/// field, which somebody may change, begins without.
#[derive(Debug, Default)]
pub struct Called(OnceLock<Box<Names>>);

#[derive(Debug)]
struct Names {
    own: Vec<String>,
    counted: Vec<String>,
    ordinary: &'static [&'static str],
    business: bool,
}

impl Clone for Called {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Called {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// Names for the field that asks what a business is called.
const BUSINESS: &[&str] = &[
    "company",
    "company name",
    "business",
    "business name",
    "name of the business",
    "name of my business",
    "name of our business",
    "name of the company",
    "name of my company",
    "name of our company",
    "shop",
    "shop name",
    "store",
    "store name",
    "firm",
    "agency",
    "practice",
    "restaurant",
    "brand",
    "brand name",
    "studio",
    "negocio",
    "empresa",
];
/// Words in a label that make it one.
const BUSINESS_WORDS: [&str; 9] =
    ["business", "company", "brand", "firm", "shop", "store", "organization", "negocio", "empresa"];
/// What people count themselves in.
const STAFF: &[&str] = &[
    "employees",
    "employee",
    "people",
    "persons",
    "staff",
    "workers",
    "team members",
    "of us",
    "empleados",
    "personas",
    "trabajadores",
];

impl Field {
    fn names(&self) -> &Names {
        self.called.0.get_or_init(|| {
            let label = folded(&self.label);
            // "Start monday" speaks of the start date.
            let event =
                label.strip_suffix(" date").filter(|_| self.kind == FieldType::Date).map(str::to_owned);
            let own = [label, folded(&self.id.as_str().replace('_', " ")), event.unwrap_or_default()];
            let business = self.names_a_business();
            Box::new(Names {
                own: own.into_iter().filter(|name| !name.is_empty()).collect(),
                counted: if self.kind == FieldType::Number { counted(&self.prompt) } else { Vec::new() },
                ordinary: self.usual_names(business),
                business,
            })
        })
    }

    /// Its label and its id, folded.
    pub(crate) fn own_names(&self) -> &[String] {
        &self.names().own
    }

    /// What its question counts: "How many rooms …" counts rooms, or a room.
    pub(crate) fn counted(&self) -> &[String] {
        &self.names().counted
    }

    /// The ordinary names of what it asks for, folded, besides its label and id.
    pub(crate) fn ordinary_names(&self) -> &'static [&'static str] {
        self.names().ordinary
    }

    /// Whether its label says that it asks for the name of a business.
    pub(crate) fn asks_for_a_business(&self) -> bool {
        self.names().business
    }

    fn usual_names(&self, business: bool) -> &'static [&'static str] {
        match self.kind {
            FieldType::PersonName => {
                &["name", "names", "full name", "contact name", "contact person", "nombre", "nombre completo"]
            }
            FieldType::Phone => &[
                "number",
                "phone",
                "phone number",
                "cell",
                "cell phone",
                "cell number",
                "mobile",
                "mobile number",
                "telephone",
                "telephone number",
                "cellphone",
                "numero",
                "telefono",
                "numero de telefono",
                "celular",
                "movil",
            ],
            FieldType::Email => {
                &["email", "e-mail", "e mail", "email address", "mail", "correo", "correo electronico"]
            }
            FieldType::Url => &[
                "website",
                "website address",
                "site",
                "web site",
                "url",
                "web address",
                "web page",
                "webpage",
                "domain",
                "web",
                "sitio",
                "sitio web",
                "pagina",
                "pagina web",
            ],
            FieldType::Date => &["date", "day", "fecha", "dia"],
            FieldType::Time => &["time", "hora"],
            FieldType::Currency => &["budget", "price", "amount", "presupuesto", "precio", "monto"],
            FieldType::Address => &["address", "location", "street address", "direccion", "domicilio"],
            FieldType::BusinessHours => {
                &["hours", "opening hours", "business hours", "schedule", "horario", "horas", "horarios"]
            }
            FieldType::File => &["file", "logo", "photo", "picture", "archivo", "foto", "imagen"],
            FieldType::Text if business => BUSINESS,
            FieldType::Number if self.counts_people() => STAFF,
            FieldType::Text
            | FieldType::LongText
            | FieldType::Number
            | FieldType::Boolean
            | FieldType::Select
            | FieldType::MultiSelect => &[],
        }
    }

    fn names_a_business(&self) -> bool {
        let label = self.label.to_lowercase();
        let words = || label.split(|c: char| !c.is_alphanumeric());
        self.kind == FieldType::Text
            && words().any(|word| BUSINESS_WORDS.contains(&word))
            && words().filter(|word| !word.is_empty()).all(|word| {
                BUSINESS_WORDS.contains(&word)
                    || ["name", "your", "the", "of", "nombre", "de", "del", "tu", "la", "legal"]
                        .contains(&word)
            })
    }

    fn counts_people(&self) -> bool {
        let asked = format!("{} {}", self.label, self.prompt).to_lowercase();
        ["employee", "people", "staff", "team", "worker", "empleado", "persona", "trabaja"]
            .iter()
            .any(|word| asked.contains(word))
    }
}

fn counted(prompt: &str) -> Vec<String> {
    let prompt = words(prompt);
    let noun = (0..prompt.len())
        .find_map(|at| {
            longest_phrase(&prompt, at, &["how many", "cuantos", "cuantas"]).map(|(_, used)| at + used)
        })
        .and_then(|at| prompt.get(at))
        .filter(|word| word.is_letters() && word.text.len() > 3)
        .map(|word| word.text.clone());
    let singular = noun.as_deref().and_then(|noun| noun.strip_suffix('s')).map(str::to_owned);
    noun.into_iter().chain(singular).collect()
}
