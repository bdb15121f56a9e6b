using Btrfs.Fidelity.Generator;
using Btrfs.Sequences.Actors;
using Btrfs.Sequences.Operations;
using Btrfs.Sequences.Running;

namespace Btrfs.LoopTests.Receiving;

/// <summary>Random changes of what one subvolume holds, by the kernel or by the engine. It remembers what is there, also where another copy of the subvolume is changed next.</summary>
internal sealed class SubvolumeChanges(SeededRandom random, PairOptions options)
{
    // Allocated space is sent as zeros, and no stream is to be of gigabytes.
    private const ulong MaxFileBytes = 32 << 20;

    // A kernel refuses to replace larger ones by what else lies in the leaf, and so does its receive.
    private const ulong MaxXattrBytes = 1000;

    private readonly Model _model = new();

    /// <summary>How many changes were made.</summary>
    public int Done { get; private set; }

    /// <summary>Makes a number of changes, some of which may be refused.</summary>
    public void Make(IActor actor, string subvolume, int count)
    {
        OperationSource source = new(random, _model, options);
        for (int made = 0; made < count;)
        {
            Operation operation = source.Next();
            if (!IsSent(operation.Verb) || EndOf(operation) > MaxFileBytes || operation is { Verb: Verb.SetXattr, Length: > MaxXattrBytes })
                continue;
            made++;
            if (actor.Run(Below(subvolume, operation)) < 0)
                continue;
            _model.Apply(operation);
            Done++;
        }
    }

    // Not subvolumes, nor flags: a copy at the receiver has none, and an immutable file can't be received into.
    private static bool IsSent(Verb verb) => verb is < Verb.CreateSubvolume and not Verb.SetFlags;

    private static ulong EndOf(Operation operation) => operation.Verb switch
    {
        Verb.Truncate => operation.Length,
        Verb.Write or Verb.Allocate => operation.Offset + operation.Length,
        Verb.Clone or Verb.Dedupe => operation.Value + operation.Length,
        _ => 0,
    };

    private static Operation Below(string subvolume, Operation operation)
    {
        bool hasTwoPaths = operation.Verb is Verb.Link or Verb.LinkMany or Verb.Rename or Verb.Clone or Verb.Dedupe;
        return operation with
        {
            Path = operation.Path.Length == 0 ? subvolume : $"{subvolume}/{operation.Path}",
            Other = hasTwoPaths ? $"{subvolume}/{operation.Other}" : operation.Other,
        };
    }
}
