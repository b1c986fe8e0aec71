"""What the agent says by itself on a display; the lab's own sentences come with its answers."""

from collections.abc import Mapping

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "ready": "Hold your badge to the reader",
        "ready_both": "Hold your badge to the reader, or type the code of your phone",
        "ready_code": "Type the code that your phone shows",
        "ready_button": "Tap “I am here” on your phone, then press the button",
        "asking": "One moment…",
        "press": "{name}: press the button to start",
        "too_late": "Nobody pressed the button. Hold your badge again",
        "nobody": "Nobody confirmed it here. Hold your badge again",
        "on": "{name}: on for {minutes} min",
        "warning": "{minutes} min left",
        "idle_warning": "Nothing is running: off in one minute",
        "over": "Time is over: off as soon as the machine rests",
        "hot": "Still hot: it goes off by itself once it has cooled down",
        "over_press": "Time is over: please finish, then press the button or switch off",
        "busy": "The machine is running: stop it first",
        "off": "Off. Thank you",
        "locked": "Locked: ask the team",
        "safety_input": "Stopped by a safety input: make it safe first",
        "emergency_stop": "Emergency stop: ask the team",
        "denied": "Not now: ask the team",
        "badge_only": "The lab is out of reach: only a badge works now",
        "no_answer": "The lab does not answer: hold your badge again",
        "unknown_badge": "This badge is not known here while the lab is out of reach",
        "outside_time": "You have no reservation now, and the lab is out of reach",
        "offline_stale": "The lab has been out of reach too long: ask the team",
        "online_only": "This machine needs the lab, which is out of reach",
        "broken": "The relay does not answer: ask the team",
    },
    "fr": {
        "ready": "Présentez votre badge",
        "ready_both": "Présentez votre badge, ou tapez le code de votre téléphone",
        "ready_code": "Tapez le code que montre votre téléphone",
        "ready_button": "Touchez «\u00a0Je suis là\u00a0» sur votre téléphone, puis appuyez sur le bouton",
        "asking": "Un instant…",
        "press": "{name}\u00a0: appuyez sur le bouton pour démarrer",
        "too_late": "Personne n’a appuyé sur le bouton. Présentez à nouveau votre badge",
        "nobody": "Personne n’a confirmé ici. Présentez à nouveau votre badge",
        "on": "{name}\u00a0: en marche pour {minutes} min",
        "warning": "Encore {minutes} min",
        "idle_warning": "Rien ne tourne\u00a0: arrêt dans une minute",
        "over": "C’est l’heure\u00a0: arrêt dès que la machine est au repos",
        "hot": "Encore chaud\u00a0: l’arrêt se fait tout seul après le refroidissement",
        "over_press": "C’est l’heure\u00a0: terminez, puis appuyez sur le bouton ou éteignez",
        "busy": "La machine tourne\u00a0: arrêtez-la d’abord",
        "off": "Arrêt. Merci",
        "locked": "Verrouillé\u00a0: demandez à l’équipe",
        "safety_input": "Arrêt par une sécurité\u00a0: remettez d’abord la machine en état sûr",
        "emergency_stop": "Arrêt d’urgence\u00a0: demandez à l’équipe",
        "denied": "Pas maintenant\u00a0: demandez à l’équipe",
        "badge_only": "Le lieu est injoignable\u00a0: seul un badge ouvre pour l’instant",
        "no_answer": "Le lieu ne répond pas\u00a0: présentez à nouveau votre badge",
        "unknown_badge": "Ce badge n’est pas connu ici tant que le lieu est injoignable",
        "outside_time": "Vous n’avez pas de réservation maintenant, et le lieu est injoignable",
        "offline_stale": "Le lieu est injoignable depuis trop longtemps\u00a0: demandez à l’équipe",
        "online_only": "Cette machine a besoin du lieu, qui est injoignable",
        "broken": "Le relais ne répond pas\u00a0: demandez à l’équipe",
    },
}


def said(language: str, code: str, values: Mapping[str, object] | None = None) -> str:
    """The sentence in this language; English for a language that is not known."""
    sentence = WORDS.get(language, WORDS["en"])[code].format(**values or {})
    # Without a name nothing stands before the colon.
    return sentence.lstrip(" :\u00a0")
