/* The number of problems, in the title and on the favicon. */
"use strict";
(() => {
  const G = window.Gerai;
  const baseTitle = document.title.replace(/^\(\d+\) /, "");

  let badged = -1;
  G.badge = (count) => {
    document.title = (count ? `(${count}) ` : "") + baseTitle;
    if (count === badged) return;
    badged = count;
    const link = document.querySelector("link[rel=icon]");
    if (!link) return;
    link.dataset.plain = link.dataset.plain || link.href;
    if (!count) {
      link.href = link.dataset.plain;
      return;
    }
    const image = new Image();
    image.addEventListener("load", () => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 64;
      const pen = canvas.getContext("2d");
      pen.drawImage(image, 0, 0, 64, 64);
      pen.fillStyle = "#b3261e";
      pen.beginPath();
      pen.arc(44, 44, 20, 0, 7);
      pen.fill();
      pen.fillStyle = "#fff";
      pen.font = "bold 28px sans-serif";
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillText(count > 9 ? "9+" : String(count), 44, 46);
      if (badged === count) link.href = canvas.toDataURL("image/png");
    });
    image.src = link.dataset.plain;
  };
})();
