//! Which picture a tag means, and which page a frame shows: pages that load late hide both from readers without script.
//!
//! Values are as they stand in the markup, references to letters included, and go back into markup.

/// No mail and no page of ours shows a wider one.
const WIDEST: u32 = 1_600;
/// Attributes that name the picture itself, where `src` names something to be shown until it comes.
const LATE: [&str; 4] = ["data-lazy-src", "data-src", "data-original", "data-lazy"];
const SETS: [&str; 3] = ["data-lazy-srcset", "data-srcset", "srcset"];

/// The address of a picture; `None` if the tag names none but what stands in its place.
pub(super) fn source<'a>(attributes: &[(&'static str, &'a str)]) -> Option<&'a str> {
    let value =
        |name: &str| attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.trim());
    let late = LATE.iter().filter_map(|name| value(name)).find(|late| !late.is_empty() && !stands_in(late));
    let own = value("src").filter(|src| !src.is_empty());
    late.or_else(|| own.filter(|src| !stands_in(src)))
        .or_else(|| SETS.iter().filter_map(|name| value(name)).find_map(best_of))
        .or_else(|| own.filter(|src| !is_written_into(src)))
}

/// The address of what a frame or a player plays.
pub(super) fn played<'a>(attributes: &[(&'static str, &'a str)]) -> Option<&'a str> {
    let value =
        |name: &str| attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.trim());
    let all = ["data-lazy-src", "data-src", "src"].iter().filter_map(|name| value(name));
    all.into_iter().find(|src| !src.is_empty() && !stands_in(src))
}

fn is_written_into(src: &str) -> bool {
    src.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:"))
}

/// Whether an address is that of something shown until the picture comes.
fn stands_in(src: &str) -> bool {
    let name = src.split(['?', '#']).next().unwrap_or(src).to_ascii_lowercase();
    let name = name.rsplit('/').next().unwrap_or(&name);
    is_written_into(src)
        || src == "about:blank"
        || ["blank.", "spacer.", "placeholder", "1x1.", "pixel.", "lazy", "transparent."]
            .iter()
            .any(|start| name.starts_with(start))
}

/// The widest of a set that is not too wide, or else the narrowest.
fn best_of(set: &str) -> Option<&str> {
    let mut best: Option<(u32, &str)> = None;
    let mut rest = set.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (url, after) = rest.split_at(end);
        let (url, size) = match url.strip_suffix(',') {
            Some(url) => {
                rest = after;
                (url, "")
            }
            None => {
                let (size, after) = after.split_once(',').unwrap_or((after, ""));
                rest = after;
                (url, size.trim())
            }
        };
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        let width = match (size.strip_suffix('w'), size.strip_suffix('x')) {
            (Some(width), _) => width.parse().unwrap_or(1),
            // Of a picture that is drawn 800 wide.
            (None, Some(times)) => times
                .parse::<f32>()
                .map_or(800, |times| if times <= 2.0 { 800 + (times * 100.0) as u32 } else { 2_400 }),
            (None, None) => 800,
        };
        let better = best.is_none_or(|(known, _)| match (known <= WIDEST, width <= WIDEST) {
            (true, true) => width > known,
            (false, false) => width < known,
            (false, true) => true,
            (true, false) => false,
        });
        if better && !url.is_empty() && !is_written_into(url) {
            best = Some((width, url));
        }
    }
    best.map(|(_, url)| url)
}

/// The page of what a frame plays, and what to call it where it has no title: of the hosts that writers take films from. `None`
/// for any other, which is an advertisement more often than not.
pub(super) fn page_of_frame(src: &str) -> Option<(String, &'static str)> {
    let bare = src.split_once("//").map_or(src, |(_, bare)| bare);
    let (host, path) = bare.split_once('/')?;
    let host = host.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let asked = |name: &str| {
        query
            .split('&')
            .map(|one| one.strip_prefix("amp;").unwrap_or(one))
            .find_map(|one| one.strip_prefix(name)?.strip_prefix('='))
    };
    let behind = |start: &str| {
        let name = path.strip_prefix(start)?.split(['/', '#']).next()?;
        let is_one = !name.is_empty()
            && name.len() <= 100
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        is_one.then_some(name)
    };
    Some(match host {
        "youtube.com" | "youtube-nocookie.com" => match behind("embed/")? {
            "videoseries" => {
                let list = asked("list")
                    .filter(|list| list.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))?;
                (format!("https://www.youtube.com/playlist?list={list}"), "Videos on YouTube")
            }
            film => (format!("https://www.youtube.com/watch?v={film}"), "Video on YouTube"),
        },
        "player.vimeo.com" => (format!("https://vimeo.com/{}", behind("video/")?), "Video on Vimeo"),
        "dailymotion.com" => {
            (format!("https://www.dailymotion.com/video/{}", behind("embed/video/")?), "Video on Dailymotion")
        }
        "archive.org" => (
            format!("https://archive.org/details/{}", behind("embed/")?),
            "Recording at the Internet Archive",
        ),
        "embed.ted.com" => (format!("https://www.ted.com/talks/{}", behind("talks/")?), "Talk at TED"),
        "open.spotify.com" => {
            let path = path.strip_prefix("embed/").or_else(|| path.strip_prefix("embed-podcast/"))?;
            let is_one = path.len() <= 100 && path.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/');
            (is_one.then(|| format!("https://open.spotify.com/{path}"))?, "Recording on Spotify")
        }
        "w.soundcloud.com" => (format!("https://{bare}"), "Recording on SoundCloud"),
        "bandcamp.com" => (format!("https://{bare}"), "Recording on Bandcamp"),
        _ => {
            let film = behind("videos/embed/").filter(|_| src.starts_with("https://"))?;
            let is_host = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
            (is_host.then(|| format!("https://{host}/videos/watch/{film}"))?, "Video")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_itself_is_found_behind_what_stands_in_its_place() {
        for (attributes, found) in [
            (vec![("src", "/a.jpg")], Some("/a.jpg")),
            (vec![("src", "data:image/gif;base64,R0"), ("data-src", "/real.jpg")], Some("/real.jpg")),
            (vec![("src", "/tiny-20x15.jpg"), ("data-lazy-src", "/real.jpg")], Some("/real.jpg")),
            (
                vec![("src", "/x/blank.gif"), ("data-srcset", "/s.jpg 400w, /m.jpg 1200w, /l.jpg 2400w")],
                Some("/m.jpg"),
            ),
            (vec![("srcset", "/a.jpg 1x, /b.jpg 2x, /c.jpg 4x")], Some("/b.jpg")),
            (
                vec![(
                    "srcset",
                    "https://i.example/w_9,c_1/a.jpg 2000w, https://i.example/w_8,c_1/b.jpg 1800w",
                )],
                Some("https://i.example/w_8,c_1/b.jpg"),
            ),
            (vec![("srcset", "/only.jpg")], Some("/only.jpg")),
            (vec![("src", "data:image/png;base64,R0")], None),
            (vec![("src", "/placeholder.png")], Some("/placeholder.png")),
            (vec![("src", ""), ("alt", "x")], None),
        ] {
            assert_eq!(source(&attributes), found, "{attributes:?}");
        }
    }

    #[test]
    fn a_frame_of_a_known_host_leads_to_its_page() {
        for (src, page) in [
            (
                "https://www.youtube.com/embed/abc_-1?rel=0&amp;x",
                Some("https://www.youtube.com/watch?v=abc_-1"),
            ),
            (
                "//www.youtube-nocookie.com/embed/videoseries?x=1&amp;list=PL1",
                Some("https://www.youtube.com/playlist?list=PL1"),
            ),
            ("https://player.vimeo.com/video/123#t=1", Some("https://vimeo.com/123")),
            ("https://films.example/videos/embed/0-1", Some("https://films.example/videos/watch/0-1")),
            ("https://open.spotify.com/embed/episode/7x?y", Some("https://open.spotify.com/episode/7x")),
            ("https://ads.example/frame", None),
            ("https://www.youtube.com/embed/\"onload", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(page_of_frame(src).map(|(page, _)| page).as_deref(), page, "{src}");
        }
    }
}
