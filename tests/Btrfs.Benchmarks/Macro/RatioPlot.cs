using System.Globalization;
using System.Security;
using System.Text;

namespace Btrfs.Benchmarks.Macro;

/// <summary>Bars of how many times the kernel's speed each row has, on a logarithmic scale, with a mark where it is to be.</summary>
internal static class RatioPlot
{
    private const int RowHeight = 24;
    private const int LabelWidth = 470;
    private const int BarWidth = 430;
    private const int Top = 34;
    private const double Most = 100;

    public static string Draw(IReadOnlyList<Row> rows)
    {
        int height = Top + rows.Count * RowHeight + 10;
        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{LabelWidth + BarWidth + 70}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        foreach (int tick in (ReadOnlySpan<int>)[1, 2, 5, 10, 20, 50, 100])
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{X(tick):f0}\" y1=\"{Top - 8}\" x2=\"{X(tick):f0}\" y2=\"{height - 10}\" stroke=\"#ddd\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(tick):f0}\" y=\"{Top - 14}\" text-anchor=\"middle\" fill=\"#555\">{tick}x</text>\n");
        }

        for (int i = 0; i < rows.Count; i++)
        {
            Row row = rows[i];
            int y = Top + i * RowHeight;
            string colour = row.Ratio >= row.Floor ? "#3a7d44" : "#c0504d";
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{LabelWidth - 8}\" y=\"{y + 15}\" text-anchor=\"end\">{SecurityElement.Escape(row.Title)}</text>");
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{LabelWidth}\" y=\"{y + 3}\" width=\"{X(row.Ratio) - LabelWidth:f0}\" height=\"{RowHeight - 8}\" fill=\"{colour}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{X(row.Floor):f0}\" y1=\"{y}\" x2=\"{X(row.Floor):f0}\" y2=\"{y + RowHeight - 2}\" stroke=\"black\" stroke-width=\"2\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(row.Ratio) + 6:f0}\" y=\"{y + 15}\">{row.Ratio:f1}</text>\n");
        }

        svg.Append("</svg>\n");
        return svg.ToString();
    }

    // From half of the kernel's speed on.
    private static double X(double ratio) => LabelWidth + BarWidth * Math.Log(Math.Clamp(ratio, 0.5, Most) / 0.5) / Math.Log(Most / 0.5);
}
