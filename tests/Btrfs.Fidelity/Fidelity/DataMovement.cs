namespace Btrfs.Fidelity;

/// <summary>The ways in which a send brings file data to its output. All of them make the same stream.</summary>
public enum DataMovement
{
    /// <summary>Read, verified, written.</summary>
    Copied,

    /// <summary>Read and verified; then the page cache's pages go into a pipe.</summary>
    CheckedPages,

    /// <summary>The pages go into a pipe unseen.</summary>
    UnseenPages,
}
