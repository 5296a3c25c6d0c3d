# Draws images of dots with R's own graphics, one JPEG file each, and a CSV of how many dots they hold: the way, and
# the settings, of the R script that the dots come from, in other words. Prints the seconds that it took, wall and CPU,
# without the start of R.

library(optparse)

options <- parse_args(OptionParser(option_list = list(
  make_option(c("-n", "--images"), type = "integer", default = 1000, help = "how many images"),
  make_option(c("-a", "--minimum"), type = "integer", default = 0, help = "the fewest dots in an image"),
  make_option(c("-b", "--maximum"), type = "integer", default = 5, help = "the most dots in an image, at most 25"),
  make_option(c("-w", "--width"), type = "integer", default = 40, help = "of an image, in pixels"),
  make_option(c("-s", "--seed"), type = "integer", default = 345, help = "of the random numbers"),
  make_option(c("-o", "--output"), type = "character", default = "dots", help = "a folder that is there")
)))

grid <- expand.grid(x = seq(0.1, 0.9, 0.2), y = seq(0.1, 0.9, 0.2))
shade <- rgb(0, 0, 0, alpha = 0.5)

draw <- function(file, dots) {
  points <- grid[sample(nrow(grid), dots), ]
  jpeg(file, width = options$width, height = options$width, res = 300, quality = 75)
  par(mar = c(0, 0, 0, 0))
  plot(points$x, points$y,
    xlim = c(0, 1), ylim = c(0, 1), axes = FALSE, xlab = "", ylab = "",
    pch = 16, cex = runif(dots, 0.2, 1), col = shade
  )
  dev.off()
}

set.seed(options$seed)
began <- proc.time()
counts <- options$minimum + sample(options$maximum - options$minimum + 1, options$images, replace = TRUE) - 1
for (number in seq_len(options$images)) {
  draw(file.path(options$output, paste0("img", number, ".jpg")), counts[number])
}
labels <- data.frame(imageId = seq_len(options$images), numberOfFeatures = counts)
write.csv(labels, file.path(options$output, "labels.csv"), quote = FALSE)
took <- proc.time() - began
cat(took[["elapsed"]], took[["user.self"]] + took[["sys.self"]], "\n")
