//! From a type to the constant that describes it.

use crate::attributes::{Attributes, Place};
use crate::json;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataEnum, DeriveInput, Error, Field, Fields, Result, Variant};

pub(crate) fn schema(input: &DeriveInput) -> Result<TokenStream> {
    if let Some(parameter) = input.generics.params.first() {
        return Err(Error::new_spanned(parameter, "settings have no parameters"));
    }
    let attributes = Attributes::read(&input.attrs, Place::Type)?;
    let node = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => object(fields.named.iter(), &attributes)?,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                let inner = fields.unnamed.iter().map(|field| &field.ty);
                let Attributes { rules, description, .. } = &attributes;
                quote! {
                    ::step_sdk::schema::Node::With {
                        node: #(&<#inner as ::step_sdk::Schema>::NODE)*,
                        rules: #rules,
                        description: #description,
                    }
                }
            }
            _ => return Err(Error::new_spanned(&input.ident, "a struct of settings has fields with names")),
        },
        Data::Enum(data) => names(data, &attributes)?,
        Data::Union(_) => return Err(Error::new_spanned(&input.ident, "serde reads no unions")),
    };
    let name = &input.ident;
    Ok(quote! {
        impl ::step_sdk::Schema for #name {
            const NODE: ::step_sdk::schema::Node = #node;
        }
    })
}

fn object<'a>(fields: impl Iterator<Item = &'a Field>, attributes: &Attributes) -> Result<TokenStream> {
    let fields = fields.map(|field| member(field, attributes)).collect::<Result<Vec<_>>>()?;
    let Attributes { closed, description, .. } = attributes;
    Ok(quote! {
        ::step_sdk::schema::Node::Object { fields: &[#(#fields),*], closed: #closed, description: #description }
    })
}

fn member(field: &Field, of: &Attributes) -> Result<TokenStream> {
    let attributes = Attributes::read(&field.attrs, Place::Field)?;
    let ident = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    let plain = ident.strip_prefix("r#").unwrap_or(&ident);
    let renamed = of.case.map_or_else(|| plain.to_owned(), |case| case.field(plain));
    let name = json::string(attributes.name.as_ref().unwrap_or(&renamed));
    let (ty, may_miss) = (&field.ty, of.default || attributes.default);
    let Attributes { rules, description, .. } = &attributes;
    Ok(quote! {
        ::step_sdk::schema::Field {
            name: #name,
            required: !#may_miss && !<#ty as ::step_sdk::Schema>::OPTIONAL,
            node: &<#ty as ::step_sdk::Schema>::NODE,
            rules: #rules,
            description: #description,
        }
    })
}

fn names(data: &DataEnum, attributes: &Attributes) -> Result<TokenStream> {
    let name = |variant: &Variant| {
        if !matches!(variant.fields, Fields::Unit) {
            let advice =
                "the schema of a variant that holds something is not derived: write SETTINGS_SCHEMA by hand";
            return Err(Error::new_spanned(variant, advice));
        }
        let own = Attributes::read(&variant.attrs, Place::Variant)?;
        let plain = variant.ident.to_string();
        let renamed = attributes.case.map_or_else(|| plain.clone(), |case| case.variant(&plain));
        Ok(json::string(&own.name.unwrap_or(renamed)))
    };
    let names = data.variants.iter().map(name).collect::<Result<Vec<_>>>()?.join(",");
    let members = format!("\"type\":\"string\",\"enum\":[{names}]");
    let Attributes { rules, description, .. } = attributes;
    Ok(quote! {
        ::step_sdk::schema::Node::With {
            node: &::step_sdk::schema::Node::Members(#members),
            rules: #rules,
            description: #description,
        }
    })
}
