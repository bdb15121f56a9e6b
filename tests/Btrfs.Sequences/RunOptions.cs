using System.Globalization;
using Btrfs.Fidelity;

namespace Btrfs.Sequences;

/// <summary>The options of a run, from the command line.</summary>
internal sealed class RunOptions
{
    private const string DefaultSeeds = "1:20";

    public RunOptions(ReadOnlySpan<string> arguments)
    {
        string seeds = DefaultSeeds;
        for (int i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case "--shrink":
                    Shrinks = true;
                    break;
                case "--verbose":
                    IsVerbose = true;
                    break;
                case "--seeds" when i + 1 < arguments.Length:
                    seeds = arguments[++i];
                    break;
                case "--seed" when i + 1 < arguments.Length:
                    seeds = arguments[++i] + ":1";
                    break;
                case "--jobs" when i + 1 < arguments.Length:
                    Jobs = int.Parse(arguments[++i], CultureInfo.InvariantCulture);
                    break;
                case "--keep" when i + 1 < arguments.Length:
                    KeepDirectory = arguments[++i];
                    break;
                default:
                    throw new ArgumentException($"'{arguments[i]}' is not an option, or lacks its value");
            }
        }

        Seeds = [.. SeedRange.Parse(seeds)];
    }

    public IReadOnlyList<ulong> Seeds { get; }

    public int Jobs { get; } = 1;

    public bool Shrinks { get; }

    public bool IsVerbose { get; }

    public string? KeepDirectory { get; }
}
