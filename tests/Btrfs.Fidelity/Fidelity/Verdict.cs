namespace Btrfs.Fidelity;

/// <summary>The outcome of one request.</summary>
/// <param name="Request">The request.</param>
/// <param name="KernelErrno">0, or why the kernel refused.</param>
/// <param name="LengthBytes">Length of the kernel's stream.</param>
/// <param name="Difference">Null if ours is equal; otherwise what differs, for a person.</param>
public sealed record Verdict(SendRequest Request, int KernelErrno, long LengthBytes, string? Difference)
{
    /// <summary>Equal to what the kernel sends of the unmounted images, after it had sent something else while they were mounted for writing.</summary>
    public bool IsRevised { get; init; }

    /// <summary>True if both sides gave the same bytes, or both refused.</summary>
    public bool IsEqual => Difference is null;
}
