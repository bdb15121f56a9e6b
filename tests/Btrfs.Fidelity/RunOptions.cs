using System.Globalization;

namespace Btrfs.Fidelity;

/// <summary>The options of a run, from the command line; BTRFS_FIDELITY_SEEDS and BTRFS_KEEP stand in for what is not given.</summary>
internal sealed class RunOptions
{
    private const string DefaultSeeds = "1:12";

    public RunOptions(ReadOnlySpan<string> arguments)
    {
        string seeds = Environment.GetEnvironmentVariable("BTRFS_FIDELITY_SEEDS") ?? DefaultSeeds;
        string candidate = Candidates.Default;
        KeepDirectory = Environment.GetEnvironmentVariable("BTRFS_KEEP");
        for (int i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case "--coverage":
                    WantsCoverage = true;
                    break;
                case "--verbose":
                    IsVerbose = true;
                    break;
                case "--seeds" when i + 1 < arguments.Length:
                    seeds = arguments[++i];
                    break;
                case "--against" when i + 1 < arguments.Length:
                    candidate = arguments[++i];
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
        Create = Candidates.Find(candidate) ?? throw new ArgumentException($"there is no candidate '{candidate}'");
    }

    public IReadOnlyList<ulong> Seeds { get; }

    public Func<ISendUnderTest> Create { get; }

    public string? KeepDirectory { get; }

    public int Jobs { get; } = 1;

    public bool WantsCoverage { get; }

    public bool IsVerbose { get; }
}
