"""Documents that leave the site as PDF: invoices, credit notes, statements. They say what the pages say."""
