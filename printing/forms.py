from django import forms
from django.utils.translation import gettext_lazy as _


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        max_length=200,
        widget=forms.ClearableFileInput(attrs={"accept": ".gcode,.gco,.g,.bgcode,.3mf,.svg,.dxf"}),
    )
