//! A file that is said to be a picture, decoded within limits and written anew in the sizes that are wanted.

use std::io::Cursor;

use image::{
    AnimationDecoder as _, DynamicImage, Frame, GenericImageView as _, ImageDecoder, ImageError, ImageFormat,
    ImageReader, Limits,
    codecs::{
        gif::{GifDecoder, GifEncoder, Repeat},
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType as PngFilter, PngEncoder},
    },
    imageops::FilterType,
};

/// The largest file that is read.
pub const LARGEST_PICTURE: usize = 20 * 1024 * 1024;
/// The most pixels that are decoded: what telephones take has fewer.
pub const MOST_PIXELS: u64 = 50_000_000;
/// The widths that are made: a mail's column, the same on screens with twice the pixels, and a page.
pub const WIDTHS: [u32; 3] = [600, 1_200, 2_000];
/// What a picture may take decoded, and a decoder beside it: fifty million pixels of a photograph.
const MOST_MEMORY: u64 = 160 * 1024 * 1024;
/// All frames of a moving picture together.
const MOST_FRAME_PIXELS: u64 = 60_000_000;
/// A moving picture is no larger.
const LARGEST_MOVING: usize = 6 * 1024 * 1024;
const MOST_RESIZED_WELL: u64 = 8_000_000;
const QUALITY: u8 = 82;
/// A drawing that is no larger stays one without loss.
const LARGEST_DRAWING: usize = 250 * 1024;

/// Why a file is no picture that is kept. The words are for an editor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadablePicture {
    /// More bytes than are read.
    #[error("The picture is larger than {} MB. Save it smaller, and choose it again.", LARGEST_PICTURE / 1024 / 1024)]
    TooLarge,
    /// More pixels than are decoded, or more memory than for so many.
    #[error(
        "The picture is {width} by {height} pixels, more than can be read here. Save it smaller: 2,000 pixels wide are plenty."
    )]
    TooManyPixels {
        /// As the file says.
        width: u32,
        /// As the file says.
        height: u32,
    },
    /// It moves for too long.
    #[error("The moving picture is too long. Cut it shorter, or make a video of it and link to it.")]
    TooLong,
    /// A kind that no mail program shows, or that is not read here.
    #[error("This is no picture that we can read. JPEG, PNG, WebP and GIF are; {0}")]
    Kind(&'static str),
    /// It begins like a picture and does not go on like one.
    #[error(
        "The file is damaged: it begins like a picture and cannot be read. Save it anew, and choose that."
    )]
    Damaged,
}

/// One size of a picture, written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

/// Reads a picture, and makes every width that is not larger than it, and its own if it is smaller than all or lies between; the
/// smallest first.
///
/// Costs in proportion to its pixels, so it goes through [`heavy`](crate::heavy).
///
/// # Errors
/// [`UnreadablePicture`].
pub fn sizes(bytes: &[u8]) -> Result<Vec<Size>, UnreadablePicture> {
    if bytes.len() > LARGEST_PICTURE {
        return Err(UnreadablePicture::TooLarge);
    }
    let format = kind(bytes)?;
    if format == ImageFormat::Jpeg && is_cut_off(bytes) {
        return Err(UnreadablePicture::Damaged);
    }
    if format == ImageFormat::Gif
        && let Some(moving) = moving(bytes)?
    {
        return Ok(vec![moving]);
    }
    let picture = still(bytes, format)?;
    let picture = smaller(picture, WIDTHS[WIDTHS.len() - 1]);
    let own = picture.width().min(WIDTHS[WIDTHS.len() - 1]);
    let mut widths: Vec<u32> = WIDTHS.into_iter().filter(|width| *width < own).collect();
    widths.push(own);
    // A photograph has no see-through parts; what was drawn may have, and is small without loss.
    let is_drawn = format != ImageFormat::Jpeg;
    let picture = if is_opaque(&picture) {
        DynamicImage::ImageRgb8(picture.into_rgb8())
    } else {
        DynamicImage::ImageRgba8(picture.into_rgba8())
    };
    widths.into_iter().map(|width| size(&picture, width, is_drawn)).collect()
}

/// What kind of picture it is, by what it holds: names and headings say anything.
fn kind(bytes: &[u8]) -> Result<ImageFormat, UnreadablePicture> {
    const READ: [ImageFormat; 4] = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif];
    if let Ok(format) = image::guess_format(bytes)
        && READ.contains(&format)
    {
        return Ok(format);
    }
    let brand = bytes.get(4..12).unwrap_or_default();
    let beginning = bytes.trim_ascii_start();
    Err(UnreadablePicture::Kind(match brand {
        b"ftypheic" | b"ftypheix" | b"ftyphevc" | b"ftypmif1" | b"ftypmsf1" => {
            "this one is HEIC, as iPhones take it. Choose it here on the telephone, which then sends a JPEG, or open it on a computer and save it as JPEG."
        }
        b"ftypavif" | b"ftypavis" => "this one is AVIF: open it, save it as JPEG or PNG, and choose that.",
        _ if beginning.starts_with(b"<svg") || beginning.starts_with(b"<?xml") => {
            "drawings as SVG are shown by no mail program: save it as PNG."
        }
        _ if beginning.starts_with(b"%PDF") => "this is a PDF: save the page as JPEG or PNG.",
        _ => "save it as one of them.",
    }))
}

/// Whether a JPEG has no end behind the beginning of its last scan (ITU-T T.81, B.1.1.3): what is missing would be grey.
fn is_cut_off(bytes: &[u8]) -> bool {
    let scan = bytes.windows(2).rposition(|two| two == [0xff, 0xda]).unwrap_or(bytes.len());
    !bytes[scan..].windows(2).any(|two| two == [0xff, 0xd9])
}

fn damaged(_: ImageError) -> UnreadablePicture {
    UnreadablePicture::Damaged
}

fn within(width: u32, height: u32) -> Result<(), UnreadablePicture> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MOST_PIXELS { Err(UnreadablePicture::TooManyPixels { width, height }) } else { Ok(()) }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    limits
}

/// Its pixels, the right way up. What it says of its size is judged before anything is decoded.
fn still(bytes: &[u8], format: ImageFormat) -> Result<DynamicImage, UnreadablePicture> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    within(width, height)?;
    limits()
        .reserve(decoder.total_bytes())
        .map_err(|_| UnreadablePicture::TooManyPixels { width, height })?;
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// A moving picture, frame by frame, at most as wide as a mail; none if it stands still.
fn moving(bytes: &[u8]) -> Result<Option<Size>, UnreadablePicture> {
    let mut decoder = GifDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    within(width, height)?;
    decoder.set_limits(limits()).map_err(damaged)?;
    let mut frames = decoder.into_frames();
    let (Some(first), Some(second)) = (frames.next(), frames.next()) else { return Ok(None) };
    let wide = width.min(WIDTHS[0]);
    let high = scaled(height, wide, width);
    let mut written = Vec::new();
    {
        let mut encoder = GifEncoder::new_with_speed(&mut written, 10);
        encoder.set_repeat(Repeat::Infinite).map_err(damaged)?;
        let mut pixels = 0;
        for frame in [first, second].into_iter().chain(frames) {
            let frame = frame.map_err(damaged)?;
            pixels += u64::from(width) * u64::from(height);
            if pixels > MOST_FRAME_PIXELS {
                return Err(UnreadablePicture::TooLong);
            }
            let delay = frame.delay();
            let picture = image::imageops::thumbnail(frame.buffer(), wide, high);
            encoder.encode_frame(Frame::from_parts(picture, 0, 0, delay)).map_err(damaged)?;
        }
    }
    if written.len() > LARGEST_MOVING {
        return Err(UnreadablePicture::TooLong);
    }
    Ok(Some(Size { width: wide, height: high, media_type: "image/gif", bytes: written }))
}

/// Roughly scaled down, so that what comes after it costs in proportion to what is made.
fn smaller(picture: DynamicImage, widest: u32) -> DynamicImage {
    if picture.width() <= widest {
        return picture;
    }
    let height = scaled(picture.height(), widest, picture.width());
    picture.thumbnail_exact(widest, height)
}

fn scaled(height: u32, width: u32, from: u32) -> u32 {
    let high = u64::from(height) * u64::from(width) / u64::from(from.max(1));
    u32::try_from(high).unwrap_or(u32::MAX).max(1)
}

fn is_opaque(picture: &DynamicImage) -> bool {
    !picture.color().has_alpha() || picture.pixels().all(|(_, _, pixel)| pixel.0[3] == u8::MAX)
}

fn size(picture: &DynamicImage, width: u32, is_drawn: bool) -> Result<Size, UnreadablePicture> {
    let height = scaled(picture.height(), width, picture.width());
    let resized;
    let picture = if picture.width() == width {
        picture
    } else {
        // The better way holds four times the picture, and more.
        let is_small = u64::from(picture.width()) * u64::from(picture.height()) <= MOST_RESIZED_WELL;
        resized = if is_small {
            picture.resize_exact(width, height, FilterType::CatmullRom)
        } else {
            picture.thumbnail_exact(width, height)
        };
        &resized
    };
    let size = |media_type, bytes| Size { width, height, media_type, bytes };
    if is_drawn || picture.color().has_alpha() {
        let mut bytes = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, PngFilter::Adaptive);
        picture.write_with_encoder(encoder).map_err(damaged)?;
        if picture.color().has_alpha() || bytes.len() <= LARGEST_DRAWING {
            return Ok(size("image/png", bytes));
        }
    }
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY)).map_err(damaged)?;
    Ok(size("image/jpeg", bytes))
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("a picture is written");
        bytes.into_inner()
    }

    /// Red on the left, blue on the right, with some grain so that it is a photograph.
    fn photograph(width: u32, height: u32) -> DynamicImage {
        DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| {
            let grain = u8::try_from((x * 7 + y * 13) % 40).unwrap_or_default();
            if x < width / 2 { Rgb([220, grain, grain]) } else { Rgb([grain, grain, 220]) }
        }))
    }

    /// An EXIF block that says how the picture is to be held, and where it was taken.
    fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02".to_vec();
        exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
        // GPSInfo, which leads nowhere, and the name of a place behind it.
        exif.extend([0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x26, 0, 0, 0, 0]);
        exif.extend(b"52 North, at home");
        let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
    }

    fn decoded(size: &Size) -> RgbaImage {
        image::load_from_memory(&size.bytes).expect("what we wrote is read").into_rgba8()
    }

    #[test]
    fn a_photograph_is_made_in_every_width_and_none_is_larger_than_it_was() {
        let made = sizes(&written(&photograph(1_500, 900), ImageFormat::Jpeg)).expect("sizes");
        let widths: Vec<_> = made.iter().map(|size| (size.width, size.height, size.media_type)).collect();
        assert_eq!(
            widths,
            [(600, 360, "image/jpeg"), (1_200, 720, "image/jpeg"), (1_500, 900, "image/jpeg")]
        );
        for size in &made {
            let picture = decoded(size);
            assert_eq!(picture.dimensions(), (size.width, size.height));
            assert!(picture.get_pixel(5, 5).0[0] > 180 && picture.get_pixel(size.width - 5, 5).0[2] > 180);
        }
        let small = sizes(&written(&photograph(90, 40), ImageFormat::Png)).expect("sizes");
        assert_eq!((small.len(), small[0].width, small[0].media_type), (1, 90, "image/png"));
        let huge = sizes(&written(&photograph(5_000, 100), ImageFormat::WebP)).expect("sizes");
        assert_eq!(huge.iter().map(|size| size.width).collect::<Vec<_>>(), WIDTHS);
    }

    /// TRUST A6: where it was taken and by what is gone, and it stands the right way up.
    #[test]
    fn nothing_is_left_of_a_file_but_what_is_seen() {
        let sent = with_exif(&written(&photograph(400, 200), ImageFormat::Jpeg), 6);
        let mut sent = sent;
        sent.extend(b"<script>alert(1)</script>PK\x03\x04");
        let made = sizes(&sent).expect("sizes");
        assert_eq!((made[0].width, made[0].height), (200, 400), "turned by a quarter");
        let picture = decoded(&made[0]);
        assert!(picture.get_pixel(100, 10).0[0] > 180 && picture.get_pixel(100, 390).0[2] > 180);
        for left in [&b"North"[..], b"Exif", b"script", b"PK\x03\x04"] {
            let is_there = made[0].bytes.windows(left.len()).any(|some| some == left);
            assert!(!is_there, "{}", String::from_utf8_lossy(left));
        }
    }

    #[test]
    fn what_is_seen_through_stays_so() {
        let drawing = RgbaImage::from_fn(700, 70, |x, _| Rgba([10, 90, 60, if x < 350 { 0 } else { 255 }]));
        let made = sizes(&written(&DynamicImage::ImageRgba8(drawing), ImageFormat::Png)).expect("sizes");
        assert_eq!(made.iter().map(|size| size.media_type).collect::<Vec<_>>(), ["image/png"; 2]);
        assert_eq!(decoded(&made[0]).get_pixel(3, 3).0[3], 0);
    }

    #[test]
    fn a_moving_picture_moves_on() {
        let mut gif = Vec::new();
        {
            let mut encoder = GifEncoder::new(&mut gif);
            for shade in [20, 120, 220] {
                let frame = RgbaImage::from_pixel(800, 80, Rgba([shade, shade, shade, 255]));
                encoder.encode_frame(Frame::new(frame)).expect("a frame");
            }
        }
        let made = sizes(&gif).expect("sizes");
        assert_eq!(
            (made.len(), made[0].width, made[0].height, made[0].media_type),
            (1, 600, 60, "image/gif")
        );
        let frames = GifDecoder::new(Cursor::new(&made[0].bytes)).expect("a picture").into_frames().count();
        assert_eq!(frames, 3);
    }

    /// TRUST A6, A9: what is no picture, or says that it is a million pixels wide, ends in words and costs nothing.
    #[test]
    fn hostile_pictures_end_in_words() {
        // A PNG of a hundred million pixels in some hundred bytes: it is judged by its heading.
        let mut bomb = written(&photograph(10, 10), ImageFormat::Png);
        bomb[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
        let sum = crc32(&bomb[12..29]).to_be_bytes();
        bomb[29..33].copy_from_slice(&sum);
        assert_eq!(sizes(&bomb), Err(UnreadablePicture::TooManyPixels { width: 10_000, height: 10_000 }));
        let jpeg = written(&photograph(300, 300), ImageFormat::Jpeg);
        assert!(matches!(sizes(&jpeg[..jpeg.len() / 8]), Err(UnreadablePicture::Damaged)));
        assert!(
            matches!(sizes(b"\0\0\0\x18ftypheic\0\0\0\0"), Err(UnreadablePicture::Kind(why)) if why.contains("iPhones"))
        );
        assert!(
            matches!(sizes(b" <svg onload='alert(1)'/>"), Err(UnreadablePicture::Kind(why)) if why.contains("SVG"))
        );
        assert!(matches!(sizes(b"<html>"), Err(UnreadablePicture::Kind(_))));
        assert!(matches!(sizes(b""), Err(UnreadablePicture::Kind(_))));
        assert_eq!(sizes(&vec![0; LARGEST_PICTURE + 1]), Err(UnreadablePicture::TooLarge));
        let seed = 17_u64;
        println!("seed {seed}");
        let (mut state, mut read) = (seed, 0);
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
            let sound = written(&photograph(40, 30), format);
            for _ in 0..300 {
                let mut broken = sound.clone();
                for _ in 0..4 {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let at = usize::try_from(state >> 33).unwrap_or_default() % broken.len();
                    broken[at] = state.to_le_bytes()[0];
                }
                read += usize::from(sizes(&broken).is_ok());
            }
        }
        println!("{read} of 1,200 were still pictures");
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let mut sum = u32::MAX;
        for byte in bytes {
            sum ^= u32::from(*byte);
            for _ in 0..8 {
                sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
            }
        }
        !sum
    }
}
