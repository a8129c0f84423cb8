"""The icons that pages may use, by their Tabler names. `mesoclinic/frontend.py` draws the sprite from this list.

A new icon: add its name to the right group and run `python -m mesoclinic.frontend`. Meanings follow the look of the
house: one drawing for one thing, everywhere.
"""
from __future__ import annotations

_OUTLINE = """
layout-dashboard calendar calendar-event calendar-plus calendar-check calendar-due calendar-x calendar-time
calendar-week users user user-plus user-check user-x user-circle flask flask-2 package packages mail mail-check
mail-x mail-exclamation mail-forward mail-opened chart-bar settings history list list-check list-details
clipboard-list clipboard-check clipboard-text stethoscope vaccine vaccine-bottle droplet droplet-off droplets pill
pill-off needle-thread test-pipe scale ruler ruler-2 ruler-measure heartbeat temperature thermometer activity lungs brain bone dna
eye eye-off eye-exclamation ear face-id mood-smile mood-neutral mood-sad mood-sick man woman body-scan scan fish
face-mask baby-carriage

check checks x exclamation-mark alert-triangle alert-circle alert-octagon info-circle help-circle circle-check
circle-x circle circle-dashed circle-dot circle-plus ban lock lock-open shield shield-check shield-x shield-lock
clock clock-hour-4 clock-pause clock-exclamation hourglass hourglass-high hourglass-empty loader-2 progress
progress-check

bell bell-check bell-x bell-ringing bell-off bell-pause file-alert file-text file-check file-x file-plus
file-download file-export file-description file-certificate files certificate certificate-off repeat repeat-once
pencil edit trash archive signature writing writing-sign

plus minus equal chevron-right chevron-left chevron-down chevron-up arrow-right arrow-left arrow-up arrow-down
arrow-back-up arrow-narrow-down arrow-narrow-up arrows-exchange arrows-sort sort-ascending sort-descending dots
dots-vertical menu-2 search filter adjustments adjustments-horizontal refresh rotate rotate-clockwise login logout
external-link link link-off copy download upload share printer send send-2 message message-2 message-circle
message-report message-exclamation phone phone-call at map-pin map-2 map door building building-hospital home world
language category tags tag bookmark star flag pin key fingerprint device-mobile device-desktop device-tablet
keyboard qrcode qrcode-off camera camera-check camera-off camera-plus photo photo-check photo-off photo-plus zoom-in
zoom-out pointer hand-finger hand-stop hand-off hand-click eraser grid-dots grid-3x3 color-swatch stack stack-2
layers-intersect table database server coin receipt cash credit-card shopping-cart tools bulb book books notebook
notes note school award wash wash-hand bath sun sun-off sun-high moon moon-stars flame snowflake ice-cream swimming
pool barbell run walk bike helmet massage mask brush glass glass-off beach plane bottle cup smoking smoking-no
sparkles bandage first-aid-kit ambulance emergency-bed urgent virus bug needle steam ripple wave-sine cookie salad
apple soup coffee bed armchair zzz hanger shirt razor scissors cut spray pillow temperature-plus temperature-minus
rosette
"""

OUTLINE: frozenset[str] = frozenset(_OUTLINE.split())

_PATIENT = """
alert-circle alert-triangle alert-triangle-filled arrow-left arrow-right ban barbell bath brush calendar-check
calendar-due calendar-plus calendar-time calendar-x check chevron-down chevron-left chevron-right circle-check
clipboard-text clock clock-exclamation download droplets file-download file-text hand-finger hand-stop hanger
help-circle history info-circle language list-check lock mail massage message-2 message-report pencil phone phone-call
pill pool printer refresh search send sparkles sun thermometer trash user-check wash writing-sign x
"""

PATIENT: frozenset[str] = frozenset(_PATIENT.split())
"""Those on the pages a patient opens, in a small sprite of their own; one that is not here comes from the whole one."""

FILLED: frozenset[str] = frozenset({"alert-triangle", "circle-check", "circle-dot", "lock", "star"})

# Arrows and chevrons point along the line of reading; in right-to-left pages they turn. Clock, tick, syringe do not.
MIRRORED: frozenset[str] = frozenset(
    {
        "arrow-back-up", "arrow-left", "arrow-right", "chevron-left", "chevron-right", "external-link", "list",
        "list-details", "login", "logout", "mail-forward", "send", "send-2", "share",
    }
)
