/** Where all contracts with the error format of Django REST framework depart from it. */
export const commonDifferences = [
  'Forms are refused with 415 where the refresh token travels in a cookie, with 403 from pages of origins that are not listed, and with 400 when they are not UTF-8.',
  'Spaces around a password belong to it.',
  'Addresses are kept and answered in lower case, with their domain in ASCII (xn--…). Quoted local parts, addresses at localhost or at an IP address, and more than 64 characters before the @ are refused.',
  "Passwords are refused by the rules, the measure and the list of Django's validators; beside that list by a second one of common passwords, and for likeness to the display name as well.",
]

/** Where the contracts with phone numbers depart from it. */
export const phoneDifference =
  'Phone numbers are kept and answered in E.164, with an extension behind ;ext= (+442079460018;ext=123). A text that is no phone number is refused, and so is one without the code of its country unless PHONE_DEFAULT_COUNTRY is set.'
