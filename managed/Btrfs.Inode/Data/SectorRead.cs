using Btrfs.Format;

namespace Btrfs.Inode.Data;

/// <summary>How far a <see cref="SectorRead"/> is.</summary>
public enum SectorReadState
{
    /// <summary>It is nobody's, and may be filled in.</summary>
    Idle,

    /// <summary>It waits for a thread.</summary>
    Waiting,

    /// <summary>A thread is at it.</summary>
    Running,

    /// <summary>All is read, as it lies on the mirror that is read first, and verified.</summary>
    Good,

    /// <summary>All is read and verified, but some of it was taken from another mirror.</summary>
    Repaired,

    /// <summary>Something could not be read, or no mirror has it right.</summary>
    Failed,
}

/// <summary>A range of whole sectors that a <see cref="SectorReader"/> reads and verifies. It is kept and used again.</summary>
public sealed class SectorRead
{
    private int _state;

    /// <summary>Of a sector.</summary>
    public LogicalAddress Start { get; set; }

    /// <summary>Filled whole; a multiple of the sector size.</summary>
    public Memory<byte> Destination { get; set; }

    /// <summary>False for an inode without checksums: then nothing is verified.</summary>
    public bool HasChecksums { get; set; }

    /// <summary>The stored checksums of the sectors, back to back, once it is read; empty where there are none.</summary>
    public ReadOnlySpan<byte> Sums => HasChecksums ? SumBuffer.AsSpan(0, SumBytes) : default;

    /// <summary>How far it is.</summary>
    public SectorReadState State
    {
        get => (SectorReadState)Volatile.Read(ref _state);
        internal set => Volatile.Write(ref _state, (int)value);
    }

    /// <summary>Whether nobody works at it or will.</summary>
    public bool IsAtRest => State is not (SectorReadState.Waiting or SectorReadState.Running);

    internal byte[] SumBuffer { get; set; } = [];

    internal int SumBytes { get; set; }
}
