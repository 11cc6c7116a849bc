from django.apps import AppConfig


class ReintegrationConfig(AppConfig):
    name = "reintegration"
    verbose_name = "Reintegration"

    def ready(self) -> None:
        from beneficiaries import points  # models must be loaded first
        from beneficiaries.exports.kinds import kinds
        from reintegration.exports import GRANTS
        from reintegration.operations import refuse_closing, tell_of_new_lead

        points.case_closing.append(refuse_closing)
        points.case_transferring.append(tell_of_new_lead)
        kinds["grants"] = GRANTS
