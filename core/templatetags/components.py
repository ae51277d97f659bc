"""`{% load components %}`: everything a page is made of. /styleguide/ shows each in every state."""

from __future__ import annotations

from django import template

from core.components import blocks, forms, inline

register = template.Library()

for tag in (
    inline.icon,
    inline.badge,
    inline.when,
    inline.digest,
    inline.person,
    inline.number,
    inline.interval,
    inline.size,
    inline.duration,
    inline.prose,
    blocks.code,
    blocks.timeline,
    blocks.changes,
    blocks.crumb,
    blocks.pager,
    blocks.chart,
    blocks.line_chart,
    blocks.progress,
    forms.field,
    forms.radio_cards,
    forms.errors,
    forms.fields,
):
    register.simple_tag(tag)

for tag in (blocks.sort, blocks.tab, forms.fresh_credentials):
    register.simple_tag(tag, takes_context=True)

for tag in (
    blocks.card,
    blocks.banner,
    blocks.empty,
    blocks.fact,
    blocks.facts,
    blocks.table,
    blocks.check,
    blocks.readiness,
    blocks.folded,
    blocks.commands,
):
    register.simple_block_tag(tag)
