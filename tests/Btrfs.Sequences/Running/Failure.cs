namespace Btrfs.Sequences.Running;

/// <summary>What a sequence showed to be wrong.</summary>
/// <param name="Kind">The same for the same fault, as far as can be told: what a shrinker keeps.</param>
/// <param name="Detail">For a person.</param>
internal sealed record Failure(string Kind, string Detail);

/// <summary>Ends a run with what it found.</summary>
#pragma warning disable CA1032, CA1064 // It never leaves this program, and says nothing without a failure.
internal sealed class FailureException(Failure failure) : Exception(failure.Detail)
{
    public Failure Failure { get; } = failure;
}

/// <summary>Ends a run without a finding: a balance or a scrub was too much for one of two small file systems, or Linux has given up on its own.</summary>
internal sealed class PairSpentException : Exception;
#pragma warning restore CA1032, CA1064
