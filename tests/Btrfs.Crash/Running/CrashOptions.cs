using System.Globalization;

namespace Btrfs.Crash.Running;

/// <summary>How a run goes about it.</summary>
internal sealed record CrashOptions
{
    /// <summary>States at each flush, at most: where few writes wait, there are fewer.</summary>
    public int StatesPerFlush { get; init; } = 12;

    /// <summary>Workloads one after the other, each on what a power cut has left of the one before.</summary>
    public int Stages { get; init; } = 2;

    /// <summary>Steps of a workload, at most.</summary>
    public int Steps { get; init; } = 40;

    /// <summary>Of how many states one is judged by Linux too.</summary>
    public int KernelEvery { get; init; } = 5;

    /// <summary>The fault that must be found: devices that take the flush between the blocks and the superblock for nothing.</summary>
    public bool IgnoreBlockBarrier { get; init; }

    /// <summary>Whether the disk is full before the first step.</summary>
    public bool IsFull { get; init; }

    /// <summary>What fails in each workload; null for nothing.</summary>
    public PlantedFault? Fault { get; init; }
}

/// <summary>Something that fails.</summary>
/// <param name="Kind">What.</param>
/// <param name="Number">The how-manieth of them fails, from 0: calls of a device from before the opening, allocations from after it.</param>
/// <param name="IsLasting">Whether all later ones do, too.</param>
internal readonly record struct PlantedFault(FaultKind Kind, long Number, bool IsLasting)
{
    /// <summary>Whether one of them fails.</summary>
    public bool Hits(long number) => number == Number || (IsLasting && number > Number);

    /// <summary>Reads what <see cref="ToString"/> gives.</summary>
    public static bool TryParse(string text, out PlantedFault? fault)
    {
        string[] parts = text.Split(':');
        bool isFault = parts is [_, _] or [_, _, "lasting"];
        fault = isFault && Enum.TryParse(parts[0], ignoreCase: true, out FaultKind kind) && long.TryParse(parts[1], CultureInfo.InvariantCulture, out long number)
            ? new PlantedFault(kind, number, parts.Length == 3)
            : null;
        return fault is not null;
    }

    /// <returns>As the command line takes it: <c>Write:5:lasting</c>.</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind}:{Number}{(IsLasting ? ":lasting" : "")}");
}

/// <summary>What can fail.</summary>
internal enum FaultKind
{
    /// <summary>A read of the first device.</summary>
    Read,

    /// <summary>The same, which gives a part of the bytes and finds the end of the device there.</summary>
    ShortRead,

    /// <summary>A write to the first device, which has then come to be in part.</summary>
    Write,

    /// <summary>A flush of the first device.</summary>
    Flush,

    /// <summary>An allocation of a tree block or of data, which finds the disk full.</summary>
    Allocation,
}
