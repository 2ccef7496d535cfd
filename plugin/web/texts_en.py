"""The customer's pages in English."""

from __future__ import annotations

EN = {
    # the frame
    "skip": "Skip to the content",
    "support_title": "Questions? We are happy to help",
    "support_lead": "A person at {shop} reads every message.",
    "support_email": "Email",
    "support_phone": "Phone",
    "support_help": "Help page",
    "support_help_link": "Answers to common questions",
    "visit_shop": "Visit {shop}",
    "order": "Order {order}",
    # /u
    "unsubscribe_ask": "Stop these emails?",
    "unsubscribe_lead": "{shop} will send no more surveys, suggestions or offers to this address:",
    "unsubscribe_keeps": "News about an order of yours, such as its confirmation and its delivery, still "
    "reaches you.",
    "unsubscribe_button": "Unsubscribe",
    "unsubscribe_done": "You are unsubscribed",
    "unsubscribe_done_lead": "From now on {shop} sends no surveys, suggestions or offers to this address:",
    "unsubscribe_already": "You are already unsubscribed",
    "unsubscribe_still": "What still reaches you",
    "unsubscribe_still_lead": "When you order, you get the news of that order: that it was received, when it "
    "leaves and "
    "when it arrives. Nothing else.",
    "resubscribe_lead": "Pressed by mistake, or changed your mind?",
    "resubscribe_button": "Subscribe again",
    "resubscribe_done": "You are subscribed again",
    "resubscribe_done_lead": "{shop} may send surveys, suggestions and offers to this address again:",
    # /s
    "survey_ask": "How was your order?",
    "survey_lead_1": "It takes about a minute, and {shop} reads every answer.",
    "survey_lead": "It takes about {minutes} minutes, and {shop} reads every answer.",
    "survey_satisfaction": "How satisfied are you with your order?",
    "survey_1": "Very dissatisfied",
    "survey_2": "Dissatisfied",
    "survey_3": "Neither one nor the other",
    "survey_4": "Satisfied",
    "survey_5": "Very satisfied",
    "survey_recommendation": "How likely are you to recommend {shop} to a friend?",
    "survey_low": "0 = not at all likely",
    "survey_high": "10 = extremely likely",
    "survey_optional": "optional",
    "survey_words": "Anything you would like to tell us?",
    "survey_words_hint": "What went well, what should be better. Up to 4,000 characters.",
    "survey_button": "Send my answers",
    "survey_saved": "Thank you, that is saved",
    "survey_saved_lead": "One question is left if you like. You can also come back to it later, by the same link.",
    "survey_open": "Your answer so far is saved",
    "survey_done": "Thank you for your answers",
    "survey_done_lead": "They are with {shop}. Each one helps to do better for you and for the next customer.",
    "survey_done_before": "You have answered this survey already",
    "survey_done_before_lead": "Your answers are with {shop} and can no longer be changed here.",
    "survey_sorry": "We are sorry that it was not what you had hoped for. If something is wrong with your order, "
    "please tell us: we would like to put it right.",
    "survey_cut": "Your text was longer than 4,000 characters. We kept the first 4,000.",
    "survey_your_answers": "What you told us",
    "survey_of_5": "{n} of 5",
    "survey_of_10": "{n} of 10",
    "survey_need_satisfaction": "Please choose how satisfied you are, from 1 to 5.",
    "survey_bad_recommendation": "Please choose a number from 0 to 10, or leave this question out.",
    "survey_words_too_long": "Your text is longer than 20,000 characters. Please shorten it; your other answers "
    "are kept.",
    "wrong_title": "Something needs another look",
    # /d
    "arrival_ask": "Has your parcel arrived?",
    "arrival_legend": "Your answer",
    "arrival_yes": "Yes, it arrived",
    "arrival_not_yet": "Not yet",
    "arrival_words": "Anything {shop} should know?",
    "arrival_words_hint": "For example where you have looked, or what the carrier told you.",
    "arrival_button": "Send my answer",
    "arrival_choose": "Please choose one of the two answers.",
    "arrival_words_too_long": "Your text is longer than 20,000 characters. Please shorten it.",
    "arrival_told_yes": "You told us before that it arrived. You can change your answer here.",
    "arrival_told_not_yet": "You told us before that it has not arrived yet. {shop} knows. You can change your "
    "answer here.",
    "arrived_title": "Good to hear",
    "arrived_lead": "Thank you. We have noted that your parcel arrived.",
    "arrived_wrong": "Is something missing or damaged? Write or call us, and we will look after it.",
    "arrived_enjoy": "Enjoy what you ordered.",
    "not_yet_title": "Thank you, we have passed it on",
    "not_yet_lead": "{shop} now knows that your parcel is missing.",
    "not_yet_next": "What happens next",
    "not_yet_reply": "{shop} will look into it and write to you by email.",
    "not_yet_quiet": "Until it is settled you get no survey and no suggestions from us.",
    "not_yet_meanwhile": "What you can do meanwhile",
    "not_yet_neighbours": "Ask your neighbours, your household and the reception.",
    "not_yet_places": "Look in the letterbox, by the door, in the parcel locker and wherever parcels are left "
    "for you.",
    "not_yet_wait": "Wait one more day: some parcels are reported as delivered before they are at the door.",
    "not_yet_track": "Track the parcel",
    "not_yet_track_with": "Track the parcel with {carrier}",
    "not_yet_came": "It came after all?",
    "not_yet_came_button": "Yes, it has arrived",
    # the front door
    "home_title": "Dasi",
    "home_lead": "Dasi turns one order into the next: it sends a shop’s customers the right message at the "
    "right moment.",
    "home_customer": "You came here from an email? The shop that sent it is happy to help: just reply to that email.",
    # errors
    "error_404": "This link does not work",
    "error_404_lead": "Perhaps it was cut off on its way. Please open it from the email once more, or simply "
    "reply to "
    "that email.",
    "error_405": "This does not work here",
    "error_405_lead": "Please open the link from the email once more.",
    "error_410": "There is nothing here any more",
    "error_410_lead": "The data of this order has been erased, and no more emails are sent about it. You need not do "
    "anything.",
    "error_413": "That was too long",
    "error_413_lead": "Your text is longer than we can take. Please go back one page and shorten it; what you "
    "wrote is "
    "still there.",
    "error_422": "We did not understand that",
    "error_422_lead": "Please open the link from the email once more.",
    "error_500": "Something went wrong on our side",
    "error_500_lead": "We have noted it. Please try again in a little while, or simply reply to the email.",
    "error_503": "We cannot answer just now",
    "error_503_lead": "Please try again in a few minutes. Nothing of yours is lost.",
}
