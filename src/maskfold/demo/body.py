"""Backdrop, neck and clothes."""

from __future__ import annotations

import numpy as np

from maskfold.demo.canvas import Array, Canvas, Cover, Points, cloud, curve, ellipse, moved, ribbon
from maskfold.demo.person import MALE, Person, Scene
from maskfold.demo.shot import Pose, Shot


def paint_backdrop(canvas: Canvas, scene: Scene, shot: Shot, rng: np.random.Generator) -> None:
    """Paint what is behind the person."""
    fixed = np.random.default_rng(scene.seed)
    height, width = canvas.height, canvas.width
    x, y = np.linspace(-1, 1, width, dtype=np.float32)[None], np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    wall, accent = np.asarray(scene.wall), np.asarray(scene.accent)
    canvas.pixels[:] = wall.astype(np.float32)
    whole = Cover(canvas.box, np.ones((height, width), np.float32))
    drift = rng.normal(0, 0.06, 2)
    if scene.backdrop == "gradient":
        slope = fixed.normal(0, 0.5, 2)
        mix = np.clip(0.5 + slope[0] * (x + drift[0]) + slope[1] * (y + drift[1]), 0, 1)
        canvas.paint(Cover(canvas.box, mix.astype(np.float32)), accent, 0.8)
    elif scene.backdrop == "wall":
        canvas.shade(
            whole,
            1 + 0.025 * cloud(rng, height, width, 6)[..., None] + 0.06 * cloud(fixed, height, width, 110)[..., None],
        )
    elif scene.backdrop == "bokeh":
        for _ in range(16):
            cx, cy, r = (fixed.random(2) + drift) @ np.diag((width, height)) @ np.eye(2, 3) + (
                0,
                0,
                fixed.uniform(0.03, 0.13) * width,
            )
            tone = wall + (accent - wall) * fixed.uniform(-0.5, 1)
            canvas.paint(canvas.cover(ellipse(cx, cy, r, r), blur=0.03 * width), np.clip(tone, 0, 1), 0.7)
    elif scene.backdrop == "panels":
        for _ in range(5):
            left, span = (fixed.uniform(-0.2, 1) + drift[0]) * width, fixed.uniform(0.05, 0.35) * width
            top, bottom = (0, height) if fixed.random() < 0.6 else (0, fixed.uniform(0.2, 0.7) * height)
            tone = np.clip(wall + (accent - wall) * fixed.uniform(-0.3, 1), 0, 1)
            corners = np.array([(left, top), (left + span, top), (left + span, bottom), (left, bottom)])
            canvas.paint(canvas.cover(corners, blur=0.006 * width), tone, 0.8)
    fall = 1 + 0.18 * shot.light.direction[0] * x - 0.05 * (x**2 + y**2)
    canvas.shade(whole, fall[..., None])


def paint_body(canvas: Canvas, person: Person, shot: Shot, rng: np.random.Generator) -> None:
    """Paint neck, shoulders and clothes."""
    pose = shot.pose.relaxed(0.35)
    male = person.gender == MALE
    neck, shoulder = (0.7, 2.5) if male else (0.54, 2.12)
    _paint_neck(canvas, person, shot, pose, neck)
    collar = {"crew": 2.12, "shirt": 2.0, "suit": 2.0, "v-neck": 2.15, "turtleneck": 1.85, "hoodie": 2.05}[
        person.scene.clothes
    ]
    _paint_clothes(canvas, person.scene, shot, pose, neck, shoulder, collar, rng)


def _paint_neck(canvas: Canvas, person: Person, shot: Shot, pose: Pose, neck: float) -> None:
    face = person.face
    right = [
        (neck + 0.04, 0.8),
        (neck, 1.5),
        (neck + 0.04, 1.95),
        (neck + 0.25, 2.2),
        (neck + 0.5, 2.6),
        (neck + 0.5, 3.2),
    ]
    outline = _flat(curve([(0, 0.8), *right, *[(-x, y) for x, y in reversed(right)]]))
    cover = canvas.cover(pose.project(outline))
    u, v = pose.grid(cover.box)
    side = 1 - 0.32 * (u / (neck + 0.25)) ** 2 + 0.2 * shot.light.direction[0] * u / neck
    shadow = 1 - 0.38 * np.exp(-((np.clip(v - face.chin + 0.1, 0, None) / 0.42) ** 2))
    light = (0.93 * np.clip(side, 0.5, 1.1) * shadow)[..., None]
    canvas.paint(cover, np.asarray(face.skin) * (1.0, 0.97, 0.95) * light)
    for edge in (-1, 1):
        tendon = np.array([(edge * neck * 0.75, 1.7), (edge * 0.12, 2.3)])
        strength = 0.12 + 0.2 * face.wrinkles
        canvas.shade(
            canvas.cover(ribbon(pose.project(_flat(tendon)), 0.05 * pose.scale), blur=0.04 * pose.scale), 1 - strength
        )
    for ring in range(int(3 * face.wrinkles)):
        fold = curve(
            [(-neck * 0.7, 1.78 + 0.13 * ring), (0, 1.84 + 0.13 * ring), (neck * 0.7, 1.77 + 0.13 * ring)], closed=False
        )
        canvas.shade(canvas.cover(ribbon(pose.project(_flat(fold)), 0.03 * pose.scale), blur=0.02 * pose.scale), 0.8)


def _paint_clothes(
    canvas: Canvas,
    scene: Scene,
    shot: Shot,
    pose: Pose,
    neck: float,
    shoulder: float,
    collar: float,
    rng: np.random.Generator,
) -> None:
    kind = scene.clothes
    wide = neck + {"turtleneck": 0.03, "shirt": 0.05, "suit": 0.06}.get(kind, 0.14)
    dip = {"crew": 0.2, "shirt": 0.45, "suit": 0.7, "v-neck": 0.75, "turtleneck": 0.02, "hoodie": 0.3}[kind]
    right = [
        (wide, collar),
        (0.5 * (wide + shoulder) - 0.15, 2.34),
        (shoulder - 0.3, 2.56),
        (shoulder, 2.95),
        (shoulder + 0.1, 3.6),
        (shoulder + 0.2, 6.5),
    ]
    pointed = kind in ("v-neck", "shirt", "suit")
    middle = (
        [(0.0, collar + dip)]
        if pointed
        else [(wide * 0.55, collar + dip * 0.8), (0, collar + dip), (-wide * 0.55, collar + dip * 0.8)]
    )
    edge = curve(right, closed=False)
    neckline = np.vstack([[(wide, collar)], middle, [(-wide, collar)]])
    neckline = neckline if pointed else curve(neckline, closed=False)
    outline = _flat(np.vstack([neckline, edge * (-1, 1), edge[::-1]]))
    if kind == "suit":
        _paint_shirt_front(canvas, scene, pose, wide, collar, shot)
    cover = canvas.cover(pose.project(outline))
    canvas.paint(cover, _cloth(scene, shot, pose, cover, neck, rng))
    scale = pose.scale
    dark = np.asarray(scene.cloth) * 0.72
    if kind in ("shirt", "suit"):
        for s in (-1.0, 1.0):
            leaf = np.array(
                [
                    (wide - 0.02, collar - 0.06),
                    (wide + 0.22, collar + 0.18),
                    (wide * 0.55, collar + dip * 0.9),
                    (0.02, collar + dip),
                ]
            )
            tone = np.clip(np.asarray(scene.cloth) * (1.12 if kind == "shirt" else 0.88), 0, 1)
            canvas.shade(
                canvas.cover(moved(pose.project(_flat(leaf * (s, 1))), 0, 0.05 * scale), blur=0.04 * scale), 0.8
            )
            canvas.paint(canvas.cover(pose.project(_flat(leaf * (s, 1)))), tone)
    if kind in ("shirt", "suit", "hoodie"):
        front = np.array([(0.0, collar + dip), (0.0, 6.5)])
        canvas.paint(canvas.cover(ribbon(pose.project(_flat(front)), 0.03 * scale), blur=0.5), dark, 0.8)
    else:
        rim = ribbon(pose.project(_flat(neckline)), (0.16 if kind == "turtleneck" else 0.06) * scale)
        canvas.shade(canvas.cover(rim, blur=0.5), 0.85)


def _paint_shirt_front(canvas: Canvas, scene: Scene, pose: Pose, wide: float, collar: float, shot: Shot) -> None:
    """Paint shirt and tie under a jacket."""
    front = np.array(
        [
            (wide + 0.02, collar - 0.02),
            (wide + 0.1, collar + 0.9),
            (-wide - 0.1, collar + 0.9),
            (-wide - 0.02, collar - 0.02),
            (0, collar + 0.22),
        ]
    )
    light = shot.light.ambient + 0.8 * (1 - shot.light.ambient)
    canvas.paint(canvas.cover(pose.project(_flat(front))), np.clip(np.asarray(scene.second) * 0.25 + 0.7, 0, 1) * light)
    tie = np.array(
        [
            (-0.1, collar + 0.2),
            (0.1, collar + 0.2),
            (0.07, collar + 0.36),
            (0.16, 6.5),
            (-0.16, 6.5),
            (-0.07, collar + 0.36),
        ]
    )
    canvas.paint(canvas.cover(pose.project(_flat(tie))), np.asarray(scene.accent) * 0.8 * light)


def _cloth(scene: Scene, shot: Shot, pose: Pose, cover: Cover, neck: float, rng: np.random.Generator) -> Array:
    """Return the lit colour of cloth over a box, float32, (height, width, 3)."""
    u, v = pose.grid(cover.box)
    height, width = u.shape
    base = np.asarray(scene.cloth, np.float32) * np.ones((height, width, 1), np.float32)
    if scene.stripes:
        stripe = np.clip(4 * np.sin(v * 22 + 0.4 * np.cos(u * 1.5)) - 1.4, 0, 1)[..., None]
        base += stripe * (np.asarray(scene.second, np.float32) - base)
    folds = 0.035 * cloud(rng, height, width, 45) + 0.015 * cloud(rng, height, width, 3)
    shape = 1 - 0.2 * (u / 2.2) ** 2 + 0.14 * shot.light.direction[0] * u - 0.05 * (v - 2.4)
    below_chin = 1 - 0.25 * np.exp(-((u / (neck + 0.2)) ** 2) - ((v - 2.0) / 0.35) ** 2)
    return np.asarray(base * ((shape + folds) * below_chin)[..., None], np.float32)


def _flat(line: Points) -> Points:
    return np.column_stack([line, np.full(len(line), 0.2)])
