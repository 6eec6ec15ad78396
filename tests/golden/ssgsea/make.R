# ssGSEA of GSVA on small matrices with and without ties. Run in this folder: Rscript make.R
suppressPackageStartupMessages(library(GSVA))
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
digits17 <- function(x) ifelse(is.na(x), "NA", sprintf("%.17g", x))
write17 <- function(d, file) {
  for (n in names(d)) if (is.numeric(d[[n]])) d[[n]] <- digits17(d[[n]])
  write.csv(d, file, row.names = FALSE, quote = FALSE)
}
set.seed(20240917)
genes <- sprintf("G%03d", 1:240); samples <- sprintf("S%02d", 1:11)
base <- matrix(rgamma(240 * 11, 0.6) * 40, 240, dimnames = list(genes, samples))
zeros <- base; zeros[zeros < 6] <- 0                       # a pile of zeros, as in RNA-seq
matrices <- list(
  continuous = log2(base + 1),
  zeros = log2(zeros + 1),
  counts = floor(base / 9),                                # ties at every value
  negative = base - 20,                                    # only ranks count
  one_sample = log2(zeros[, 1, drop = FALSE] + 1))
sets <- list(large = sample(genes, 60), medium = sample(genes, 17), pair = sample(genes, 2),
  single = "G007", low = genes[order(rowMeans(base))][1:15], ordered = genes[1:20],
  partly = c(sample(genes, 9), "NOT_THERE", "NEITHER"))
write.csv(data.frame(gene_set = rep(names(sets), lengths(sets)), gene = unlist(sets)),
  "sets.csv", row.names = FALSE, quote = FALSE)
scores <- NULL
for (name in names(matrices)) {
  m <- matrices[[name]]
  if (name != "one_sample") write17(data.frame(gene = genes, m), paste0(name, ".csv"))
  for (norm in c(TRUE, FALSE)) for (tau in c(0.25, 1)) {
    invisible(capture.output(es <- suppressWarnings(gsva(m, sets, method = "ssgsea", tau = tau,
      ssgsea.norm = norm, verbose = FALSE))))
    scores <- rbind(scores, data.frame(matrix = name, normalised = norm, tau = tau,
      gene_set = rep(rownames(es), ncol(es)), sample = rep(colnames(es), each = nrow(es)),
      score = as.vector(es)))
  }
}
scores$normalised <- as.integer(scores$normalised)
write17(scores, "scores.csv")
write.csv(data.frame(package = c("R", "GSVA"), version = c(as.character(getRversion()),
  as.character(packageVersion("GSVA")))), "versions.csv", row.names = FALSE, quote = FALSE)
