from fablab.documents.typesetting import DocumentFault, typst_pdf

__all__ = ["DocumentFault", "typst_pdf"]
