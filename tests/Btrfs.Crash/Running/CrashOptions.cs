using Btrfs.Fidelity.Devices;

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
    public DeviceFault? Fault { get; init; }
}

/// <summary>A device that fails.</summary>
/// <param name="Call">What it is asked for then.</param>
/// <param name="Number">The how-manieth of them fails, from 0 and from before the opening.</param>
/// <param name="IsLasting">Whether all later ones do, too.</param>
internal readonly record struct DeviceFault(DeviceCall Call, long Number, bool IsLasting);
