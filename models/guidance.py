"""Plain sentences for every guidance code: what an old, perhaps worried person should do next.

Each sentence is short and kind, names one action and has no technical word. Translations use the same codes as keys.
"""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # Quality of a picture that could be read (models/face/quality.py).
    "no_face": "We could not see a face. Hold the phone in front of you, so that your whole face is in the picture.",
    "several_faces": "Only you should be in the picture. Please take it again alone.",
    "too_dark": "It is too dark. Turn toward a window or a lamp.",
    "too_bright": "It is too bright. Turn a little away from the light.",
    "bright_behind": "It is too bright behind you. Turn around, so that the window or lamp is in front of you.",
    "glasses_glare": "Your glasses reflect the light. Turn your head a little away from it, or take them off.",
    "noisy_light": "There is too little light for the camera. Switch on a lamp, or go to a window.",
    "flat_light": "Your face is hard to see. Wipe the camera with a soft cloth and try where the light is better.",
    "come_closer": "Hold the phone a little closer.",
    "hold_still": "The picture is blurred. Hold the phone still, or lean your arms on a table.",
    "whole_face": "Your face is partly outside the picture. Hold the phone a little further away, in the middle.",
    "look_straight": "Please look straight at the phone.",
    "chin_level": "Hold the phone at the height of your eyes.",
    "hold_upright": "Hold the phone and your head upright.",
    "open_eyes": "Please look at the phone with your eyes open.",
    "another_face": "This photo does not look like the one enrolled before. Please ask an officer.",
    "not_comparable": "This photo cannot be compared with what is enrolled. Please ask an officer.",
    "face_unclear": "We cannot see your face clearly. Please take off what covers it, such as a mask or dark glasses.",
    # Pictures that could not be read (models/media/image.py).
    "not_an_image": "This file could not be opened as a picture. Please take a new one.",
    "unsupported_format": "We cannot read this kind of picture. Please save it as JPEG and send that.",
    "too_many_bytes": "The file is too large. Please choose a smaller photo size in the camera settings.",
    "too_many_pixels": "The picture is too large. Please choose a smaller photo size in the camera settings.",
    "too_few_pixels": "The picture is too small. Please send it as the camera made it, not a small copy.",
    "truncated": "Part of the picture is missing. Please send it again. If that does not help, choose another one.",
    "animated": "Please send one single picture, not a moving one.",
    "is_jpeg2000": "This is a JPEG 2000 picture, which we cannot read. Please save it as JPEG and send that.",
    "is_jpegxl": "This is a JPEG XL picture, which we cannot read. Please save it as JPEG and send that.",
    "is_avif": "This is an AVIF picture, which we cannot read. Please save it as JPEG and send that.",
    "is_tiff": "This is a TIFF picture, which we cannot read. Please save it as JPEG and send that.",
    "is_raw": "This is a raw photo, as the camera itself keeps it. Please send it as JPEG.",
    "is_gif": "This is a GIF, which has too few colours. Please send a photo as JPEG.",
    "is_pdf": "This is a PDF. Please send the photo itself.",
    "is_archive": "This is a packed folder. Please open it and send one photo or one video out of it.",
    "is_document": "This is a document or a web page. Please send the photo itself.",
    "is_sound": "This is only sound. Please send a photo or a video.",
    "is_film": "This is a video. Please send a photo here.",
    # Capture sessions (models/liveness/advice.py), and work that was given up (certify/decision/unprocessable.py).
    "keep_in_view": "Keep your face in the picture until the end.",
    "follow_prompts": "Please do what the screen asks, when it asks it. You can take your time.",
    "turn_a_little": "Please turn your head a little to one side, and then to the other, while you film.",
    "come_much_closer": "Bring the phone much closer when you are asked to, and keep looking straight at it.",
    "find_shade": "The room is too bright for the light of the screen. Sit in the shade, with no window before you.",
    "film_stalled": "The film stopped for a moment. Close other apps and record it again.",
    "network_slow": "The network was too slow just now. Try once more; the phone can also record first and send later.",
    "life_not_seen": "We could not see clearly that you are there yourself. Try once more, where the light is better.",
    "use_camera": "Please film with the camera of the phone itself, without another program.",
    "light_once_more": "Nearly done: once more, please, with light on your face. Turn toward a window or a lamp.",
    "film_needed": "A photo is not enough. Please make a short film: the phone shows you what to do.",
    "more_than_a_movement": "You did it well. One movement alone is not enough here: sign in with a code or a letter, "
    "or ask for a visit at home.",
    "more_than_movements": "You did it well. Without the colours, sign in with a code or a letter, "
    "or ask for a visit at home.",
    "record_anew": "Please make a new film now, with the camera.",
    "not_processed": "We could not look at this picture. Somebody will look into it; you can also take a new one.",
    # Videos that could not be read (models/media/video.py).
    "video_empty": "The video did not arrive. Please send it again.",
    "not_a_video": "This file could not be opened as a video. Please record a new one.",
    "unsupported_video": "This kind of video cannot be used. Please record it here, with the camera.",
    "video_no_picture": "There is only sound. Please allow the camera and record it again.",
    "video_no_frames": "The video is empty. Please record it again.",
    "video_truncated": "The video was cut off. Please record it again.",
    "video_damaged": "The video was damaged on its way. Please record it again.",
    "video_too_short": "The video is too short. Please record it again and wait until you are told to stop.",
    "video_too_long": "The video is too long. Please record a shorter one.",
    "video_too_many_bytes": "The video is too large. Please record it here, with the camera.",
    "video_too_many_pixels": "The video is too large. Please record it here, with the camera.",
    "video_too_fast": "This kind of video cannot be used. Please record it here, with the camera.",
    "video_size_changed": "The phone was turned while recording. Please keep it upright and record it again.",
    "video_timeout": "The video is too large to read. Please record a shorter one here, with the camera.",
}


def sentence(code: str) -> str:
    """Return the English sentence of a guidance or refusal code.

    Raises:
        KeyError: the code does not exist; tests keep the codes and this table equal.
    """
    return SENTENCES[code]
