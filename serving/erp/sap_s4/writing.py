"""Writes to SAP: a note that leaves a planner's text, a priority that only rises, a completion."""

from features.core.clock import Clock
from features.core.errors import AmbiguousDeliveryError, ErpUnavailableError, OrderRejectedError
from features.core.telemetry import log
from serving.erp.sap_s4.bodies import TEXT_LENGTH
from serving.erp.sap_s4.options import SapOptions
from serving.erp.sap_s4.queries import NOTIFICATION, ORDER
from serving.erp.sap_s4.reading import CANCELLED_BY_US, Reading
from serving.erp.sap_s4.session import Row, Session
from serving.erp.sap_s4.wire import key as path_of
from serving.erp.sap_s4.wire import literal, to_time
from serving.erp.texts import cut

__all__ = ["Writing"]

_TEXT, _EDIT = "MaintNotificationLongText", "MaintNotifLongTextForEdit"


class Writing:
    """Changes what is there.

    Args:
        session: With SAP.
        options: Of the connection.
        clock: For the moment of a completion.
    """

    def __init__(self, session: Session, options: SapOptions, clock: Clock) -> None:
        self._session, self._options, self._clock = session, options, clock
        self._replaces = options.long_text == "replace"

    def notification(self, key: str, body: dict[str, object]) -> Row:
        """A new notification.

        Raises:
            AmbiguousDeliveryError: The answer has no number; it may be there.
        """
        service = self._options.notification_service
        answer = self._session.write("POST", service, NOTIFICATION, "create", key=key, body=body)
        row = self._session.entity(answer)
        if not row.get(NOTIFICATION):
            raise AmbiguousDeliveryError(f"SAP's answer to {key} has no number", {"key": key})
        return row

    def order(self, key: str, body: dict[str, object]) -> Row:
        """A new order from a notification; SAP writes its number into the notification."""
        try:
            answer = self._session.write("POST", self._options.order_service, ORDER, "create", key=key, body=body)
        except OrderRejectedError as err:
            raise OrderRejectedError(
                f"notification {body[NOTIFICATION]} is there, but its order is refused: {err.message}", err.context
            ) from err
        return self._session.entity(answer)

    def annotate(self, number: str, note: str, code: str) -> Row:
        """Add a note to a notification and raise its priority to SAP's `code`; what it was before."""
        row, etag = self._read(number, "annotate")
        body = self._note(row, note)
        if self._options.is_higher(code, than=str(row.get("MaintPriority") or "")):
            body["MaintPriority"] = code
        self._patch(number, body, etag, "annotate")
        self._guard_text(number, row, note)
        return row

    def raise_order(self, number: str, code: str) -> None:
        """Raise the priority of an order."""
        service, path = self._options.order_service, path_of(ORDER, number)
        order, etag = self._session.get(service, path, "annotate")
        if self._options.is_higher(code, than=str(order.get("MaintPriority") or "")):
            self._session.write("PATCH", service, path, "annotate", body={"MaintPriority": code}, etag=etag)

    def cancel(self, number: str, note: str, *, order_is_ours: bool) -> None:
        """Complete a notification, and end its order, with a line that says why; what is over stays as it is.

        Raises:
            OrderRejectedError: A planner has made an order from it, or SAP does not complete it.
        """
        row, etag = self._read(number, "cancel")
        order = str(row.get(ORDER) or "")
        if order and not order_is_ours:
            raise OrderRejectedError(f"order {order} was made from notification {number}: cancel it in SAP")
        if self._is_done(row, order):
            return
        if CANCELLED_BY_US not in str(row.get(_TEXT) or ""):
            text = f"{CANCELLED_BY_US} {note}"
            self._patch(number, self._note(row, text), etag, "cancel")
            self._guard_text(number, row, text)
        if order:
            told = {ORDER: literal(order)}
            self._session.write(
                "POST", self._options.order_service, self._options.cancel_order, "cancel", told=told
            )
        if not self._is_over(row):
            self._complete(number, row)
        # An answer of 200 is no proof: function imports tell `IsInvalid` or nothing.
        after, _ = self._read(number, "cancel")
        if not self._is_over(after):
            raise OrderRejectedError(f"SAP does not complete notification {number}: has it open tasks?")

    def _complete(self, number: str, row: Row) -> None:
        now = self._clock.now().astimezone(self._options.zone(str(row.get("NotificationTimeZone") or "")))
        told = {
            NOTIFICATION: literal(number),
            "NotificationReferenceDate": f"datetime'{now:%Y-%m-%d}T00:00:00'",
            "NotificationReferenceTime": f"time'{to_time(now.time())}'",
        }
        service = self._options.notification_service
        self._session.write("POST", service, "CompleteMaintNotification", "cancel", told=told)

    def _is_over(self, row: Row) -> bool:
        return self._options.phase(str(row.get("NotifProcessingPhase"))).is_terminal

    def _is_done(self, row: Row, order: str) -> bool:
        """People have finished it; one that we had begun to cancel is not done."""
        if CANCELLED_BY_US in str(row.get(_TEXT) or "") and not self._is_over(row):
            return False
        held = None
        if order and self._options.orders:
            held, _ = self._session.get(self._options.order_service, path_of(ORDER, order), "cancel")
        return Reading(self._options).state(row, held).is_terminal

    def _read(self, number: str, purpose: str) -> tuple[Row, str]:
        return self._session.get(self._options.notification_service, path_of(NOTIFICATION, number), purpose)

    def _patch(self, number: str, body: dict[str, object], etag: str, purpose: str) -> None:
        if not body:
            return
        service, path = self._options.notification_service, path_of(NOTIFICATION, number)
        try:
            self._session.write("PATCH", service, path, purpose, body=body, etag=etag)
        except ErpUnavailableError as err:
            # Some systems ask for If-Match though the entity came without an etag.
            if err.context.get("status") != 428 or etag:
                raise
            self._session.write("PATCH", service, path, purpose, body=body, etag="*")

    def _note(self, row: Row, note: str) -> dict[str, object]:
        """What adds a note to the long text; nothing when it is there already, or has no room."""
        held = str(row.get(_TEXT) or "")
        if _squeezed(cut(note, TEXT_LENGTH)) in _squeezed(held):
            return {}
        if not self._replaces:
            return {_EDIT: cut(note, TEXT_LENGTH)}
        room = TEXT_LENGTH - len(held) - 1
        return {_EDIT: f"{cut(note, room)}\n{held}".strip()} if room > 1 else {}

    def _guard_text(self, number: str, before: Row, note: str) -> None:
        """Put a planner's text back where SAP replaced it: this system replaces, and now we know."""
        held = str(before.get(_TEXT) or "")
        if not held or self._replaces:
            return
        after, etag = self._read(number, "annotate")
        if _squeezed(held) in _squeezed(str(after.get(_TEXT) or "")):
            return
        self._replaces = True
        log("erp").warning("erp.text_replaced", number=number, hint='set erp.options.long_text = "replace"')
        whole = f"{note}\n{held}"
        self._patch(number, {_EDIT: whole if len(whole) <= TEXT_LENGTH else held[:TEXT_LENGTH]}, etag, "annotate")


def _squeezed(text: str) -> str:
    """Without spaces and line ends: SAP breaks long texts into lines of its own."""
    return "".join(text.split())
