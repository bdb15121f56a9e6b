using Btrfs.Sequences.Operations;

namespace Btrfs.Sequences.Actors;

/// <summary>Who does operations on a file system: the engine, or the kernel.</summary>
internal interface IActor : IDisposable
{
    /// <summary>Does one operation.</summary>
    /// <returns>0, or 1 for a dedupe of what differs, or the negated error number.</returns>
    int Run(Operation operation);

    /// <summary>Makes everything so far durable.</summary>
    void Commit();
}
