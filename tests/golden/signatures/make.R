# Refits of seeded mixtures, computed in R alone. Run in this folder: Rscript make.R
# Non-negative least squares by Lawson and Hanson (1974, chapter 23), checked against quadprog; the
# greedy regression of Rosenthal et al. (Genome Biol 2016;17:31) with a numerical search of each
# change, as the tool makes it.
suppressPackageStartupMessages(library(quadprog))
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
digits17 <- function(x) ifelse(is.na(x), "NA", sprintf("%.17g", x))
write17 <- function(d, file) {
  for (n in names(d)) if (is.numeric(d[[n]])) d[[n]] <- digits17(d[[n]])
  write.csv(d, file, row.names = FALSE, quote = FALSE)
}
set.seed(20240918)

# ---- invented profiles: peaked, mixed and flat; spectra of 30 to 3,000 SNVs ----------------
k <- 30; channels <- 96
shape <- rep(c(0.05, 0.3, 2), each = 10)
profiles <- t(sapply(shape, function(a) { x <- rgamma(channels, a) + 1e-5; x / sum(x) }))
signatures <- paste0("SBS", seq_len(k))
tumours <- 60
n <- round(exp(seq(log(30), log(3000), length.out = tumours)))
planted <- t(sapply(seq_len(tumours), function(i) {
  w <- numeric(k); some <- sample(k, sample(1:6, 1)); w[some] <- rgamma(length(some), 1.5)
  w / sum(w)
}))
counts <- t(sapply(seq_len(tumours), function(i) rmultinom(1, n[i], planted[i, ] %*% profiles)))
counts[1, ] <- 0; counts[1, 17] <- 30                        # all SNVs in one channel

# ---- non-negative least squares ----------------------------------------------------------
lawson_hanson <- function(A, y) {
  x <- numeric(ncol(A)); passive <- logical(ncol(A))
  repeat {
    w <- drop(crossprod(A, y - A %*% x)); w[passive] <- -Inf
    if (max(w) <= 1e-13) break
    passive[which.max(w)] <- TRUE
    repeat {
      s <- numeric(ncol(A)); s[passive] <- qr.solve(A[, passive, drop = FALSE], y)
      if (all(s[passive] > 0)) break
      bad <- passive & s <= 0
      alpha <- min(x[bad] / (x[bad] - s[bad]))
      x <- x + alpha * (s - x); passive <- passive & x > 1e-14; x[!passive] <- 0
    }
    x <- s
  }
  x
}
A <- t(profiles)
nnls <- t(apply(counts / rowSums(counts), 1, function(y) lawson_hanson(A, y)))
by_qp <- t(apply(counts / rowSums(counts), 1, function(y)
  solve.QP(crossprod(A), crossprod(A, y), diag(k), numeric(k))$solution))
stopifnot(max(abs(nnls - by_qp)) < 1e-9)

# ---- greedy regression -------------------------------------------------------------------
squared_error <- function(y, w) sum((y - drop(w %*% profiles) / sum(w))^2)
greedy <- function(y) {
  aside <- apply(profiles[, y < 0.01, drop = FALSE] >= 0.2, 1, any)
  use <- which(!aside)
  w <- numeric(k)
  alone <- sapply(use, function(i) sum((y - profiles[i, ])^2))
  w[use[which.min(alone)]] <- 10
  repeat {
    before <- squared_error(y, w)
    best <- list(error = Inf)
    for (i in use) {
      if (w[i] == sum(w)) next                             # all the weight: nothing to change
      f <- function(x) { v <- w; v[i] <- v[i] + x; squared_error(y, v) }
      found <- optimize(f, c(-w[i], 100), tol = 1e-11)
      for (x in c(found$minimum, -w[i])) if (f(x) < best$error) best <- list(error = f(x), i = i, x = x)
    }
    if (best$error < before) w[best$i] <- w[best$i] + best$x
    if ((before - squared_error(y, w)) / before <= 1e-3) break
  }
  w <- w / sum(w)
  list(weights = ifelse(w < 0.06, 0, w), aside = sum(aside), error = squared_error(y, w))
}
fits <- lapply(seq_len(tumours), function(i) greedy(counts[i, ] / n[i]))
greedy_weights <- t(sapply(fits, `[[`, "weights"))
cosine <- function(w) { m <- w %*% profiles
  rowSums(counts * m) / sqrt(rowSums(counts^2) * rowSums(m^2)) }

table_of <- function(m) setNames(as.data.frame(m), signatures)
write17(setNames(as.data.frame(t(profiles)), signatures), "profiles.csv")
write17(as.data.frame(counts), "counts.csv")
write17(table_of(nnls), "nnls.csv")
write17(table_of(greedy_weights), "greedy.csv")
write17(data.frame(nnls = cosine(nnls), greedy = cosine(greedy_weights),
  set_aside = sapply(fits, `[[`, "aside")), "fit.csv")
write.csv(data.frame(package = c("R", "quadprog"), version = c(as.character(getRversion()),
  as.character(packageVersion("quadprog")))), "versions.csv", row.names = FALSE, quote = FALSE)
