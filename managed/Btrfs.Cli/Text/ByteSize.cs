using System.CommandLine;
using System.Globalization;

namespace Btrfs.Cli.Text;

/// <summary>Numbers of bytes for people, as btrfs-progs writes them: two decimals and a unit.</summary>
internal sealed class ByteSize
{
    private const string UnitLetters = "kmgtpe";

    private static readonly string[] s_binary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    private static readonly string[] s_decimal = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    private static readonly ByteSize s_human = new(false, 1024, null);

    private readonly int _base;
    private readonly int? _unit;

    private ByteSize(bool isRaw, int @base, int? unit)
    {
        IsRaw = isRaw;
        _base = @base;
        _unit = unit;
    }

    /// <summary>The largest binary unit that leaves a number of at least 1.</summary>
    public static string Human(long bytes) => s_human.Format((ulong)bytes);

    /// <summary>A whole number, and k, m, g, t, p or e for a power of 1024 behind it, in either case.</summary>
    public static bool TryParse(string text, out ulong bytes)
    {
        int unit = text.Length == 0 ? -1 : UnitLetters.IndexOf(text[^1], StringComparison.OrdinalIgnoreCase);
        string digits = unit < 0 ? text : text[..^1];
        int shift = 10 * (unit + 1);
        bool isNumber = ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) && number <= ulong.MaxValue >> shift;
        bytes = isNumber ? number << shift : 0;
        return isNumber;
    }

    /// <summary>Whether sizes are plain numbers of bytes.</summary>
    public bool IsRaw { get; }

    public string Format(ulong bytes)
    {
        if (IsRaw)
            return bytes.ToString(CultureInfo.InvariantCulture);

        double value = bytes;
        int unit = 0;
        while (_unit is { } wanted ? unit < wanted : value >= _base && unit < s_binary.Length - 1)
        {
            value /= _base;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:F2}{(_base == 1024 ? s_binary : s_decimal)[unit]}");
    }

    /// <summary>The options of btrfs-progs that choose how sizes are written.</summary>
    internal sealed class Options
    {
        private readonly Option<bool> _raw = new("--raw", "-b") { Description = "Sizes in bytes" };
        private readonly Option<bool> _human = new("--human-readable") { Description = "Sizes in the unit that suits (default)" };
        private readonly Option<bool> _decimal = new("--si", "-H") { Description = "Units of 1000 instead of 1024" };
        private readonly Option<bool> _binary = new("--iec") { Description = "Units of 1024 (default)" };
        private readonly Option<bool>[] _units =
        [
            new("--kbytes", "-k") { Description = "Sizes in KiB" },
            new("--mbytes", "-m") { Description = "Sizes in MiB" },
            new("--gbytes", "-g") { Description = "Sizes in GiB" },
            new("--tbytes", "-t") { Description = "Sizes in TiB" },
        ];

        public Options(Command command)
        {
            foreach (Option option in (Option[])[_raw, _human, _decimal, _binary, .. _units])
                command.Options.Add(option);
        }

        public ByteSize Of(ParseResult parsed)
        {
            int unit = Array.FindIndex(_units, parsed.GetValue) + 1;
            return new ByteSize(parsed.GetValue(_raw), parsed.GetValue(_decimal) ? 1000 : 1024, unit == 0 ? null : unit);
        }
    }
}
