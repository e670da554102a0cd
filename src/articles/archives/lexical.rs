//! What Ghost's editor keeps of a text (Lexical), made into HTML where an export has no HTML of it.

use serde_json::Value;

use super::super::{cleaning::html::escape, writing::markdown_to_html};

/// Deeper nodes lose what holds them, and keep their text.
const DEEPEST: usize = 40;

/// The HTML of a text; empty of what is none.
pub(super) fn html(text: &str) -> String {
    let Ok(whole) = serde_json::from_str::<Value>(text) else { return String::new() };
    let mut html = String::new();
    children(&whole["root"], 0, &mut html);
    html
}

fn children(node: &Value, depth: usize, html: &mut String) {
    for child in node["children"].as_array().into_iter().flatten() {
        one(child, depth + 1, html);
    }
}

fn within(tag: &str, node: &Value, depth: usize, html: &mut String) {
    html.push_str(&format!("<{tag}>"));
    children(node, depth, html);
    html.push_str(&format!("</{tag}>"));
}

fn one(node: &Value, depth: usize, html: &mut String) {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    if depth > DEEPEST {
        html.push_str(&escape(text("text")));
        return children(node, depth.min(100), html);
    }
    match text("type") {
        "text" | "extended-text" => {
            html.push_str(&words(text("text"), node["format"].as_u64().unwrap_or_default()));
        }
        "linebreak" => html.push_str("<br>"),
        "paragraph" => within("p", node, depth, html),
        "heading" | "extended-heading" => {
            let tag = match text("tag") {
                tag @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6") => tag,
                _ => "h2",
            };
            within(tag, node, depth, html);
        }
        "list" => within(if text("listType") == "number" { "ol" } else { "ul" }, node, depth, html),
        "listitem" => within("li", node, depth, html),
        "quote" | "extended-quote" | "aside" => within("blockquote", node, depth, html),
        "link" | "autolink" => {
            html.push_str(&format!("<a href=\"{}\">", escape(text("url"))));
            children(node, depth, html);
            html.push_str("</a>");
        }
        "horizontalrule" => html.push_str("<hr>"),
        "image" => html.push_str(&figure(text("src"), text("alt"), text("caption"))),
        "gallery" => {
            for image in node["images"].as_array().into_iter().flatten() {
                html.push_str(&figure(
                    image["src"].as_str().unwrap_or_default(),
                    image["alt"].as_str().unwrap_or_default(),
                    "",
                ));
            }
            if !text("caption").is_empty() {
                html.push_str(&format!("<p>{}</p>", text("caption")));
            }
        }
        "html" => html.push_str(text("html")),
        "markdown" => html.push_str(&markdown_to_html(text("markdown"))),
        "codeblock" => html.push_str(&format!("<pre><code>{}</code></pre>", escape(text("code")))),
        "callout" => html.push_str(&format!("<blockquote>{}</blockquote>", text("calloutText"))),
        "toggle" => html.push_str(&format!("<h4>{}</h4>{}", text("heading"), text("content"))),
        "button" => html.push_str(&link(text("buttonUrl"), text("buttonText"))),
        "bookmark" => {
            let title = node["metadata"]["title"].as_str().unwrap_or_default();
            html.push_str(&link(text("url"), title));
        }
        "embed" | "video" | "audio" | "file" => {
            let address = ["url", "src"].iter().map(|name| text(name)).find(|address| !address.is_empty());
            let title = ["title", "fileTitle", "caption"]
                .iter()
                .map(|name| text(name))
                .find(|title| !title.is_empty());
            html.push_str(&link(address.unwrap_or_default(), title.unwrap_or_default()));
        }
        _ => children(node, depth, html),
    }
}

fn words(text: &str, format: u64) -> String {
    let mut html = escape(text);
    for (bit, tag) in [(1, "strong"), (2, "em"), (4, "s"), (16, "code"), (32, "sub"), (64, "sup")] {
        if format & bit != 0 {
            html = format!("<{tag}>{html}</{tag}>");
        }
    }
    html
}

fn figure(address: &str, alt: &str, caption: &str) -> String {
    let caption =
        if caption.is_empty() { String::new() } else { format!("<figcaption>{caption}</figcaption>") };
    format!("<figure><img src=\"{}\" alt=\"{}\">{caption}</figure>", escape(address), escape(alt))
}

fn link(address: &str, title: &str) -> String {
    if address.is_empty() {
        return String::new();
    }
    format!(
        "<p><a href=\"{}\">{}</a></p>",
        escape(address),
        escape(if title.is_empty() { address } else { title })
    )
}

#[cfg(test)]
mod tests {
    use super::html;

    #[test]
    fn the_common_nodes_are_what_they_show() {
        let text = r#"{"root":{"type":"root","children":[
            {"type":"paragraph","children":[{"type":"extended-text","text":"Salt & ","format":0},{"type":"text","text":"bread","format":3},
                {"type":"linebreak"},{"type":"link","url":"https://gull.example/?a=1&b=2","children":[{"type":"text","text":"more"}]}]},
            {"type":"extended-heading","tag":"h3","children":[{"type":"text","text":"Ovens"}]},
            {"type":"list","listType":"number","children":[{"type":"listitem","children":[{"type":"text","text":"one"}]}]},
            {"type":"image","src":"https://gull.example/a.jpg","alt":"An \"oven\"","caption":"<i>Hot</i>"},
            {"type":"horizontalrule"},{"type":"bookmark","url":"https://tern.example/","metadata":{"title":"The Tern"}},
            {"type":"new-kind","children":[{"type":"text","text":"kept"}]}]}}"#;
        assert_eq!(
            html(text),
            "<p>Salt &amp; <em><strong>bread</strong></em><br><a href=\"https://gull.example/?a=1&amp;b=2\">more</a></p><h3>Ovens</h3>\
             <ol><li>one</li></ol><figure><img src=\"https://gull.example/a.jpg\" alt=\"An &quot;oven&quot;\"><figcaption><i>Hot</i></figcaption></figure>\
             <hr><p><a href=\"https://tern.example/\">The Tern</a></p>kept"
        );
        assert_eq!((html("").as_str(), html("[1,").as_str(), html("{}").as_str()), ("", "", ""));
    }
}
