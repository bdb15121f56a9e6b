namespace Btrfs.Fidelity.Generator;

/// <summary>A read-only snapshot of a state, oldest first in <see cref="RandomState.Snapshots"/>.</summary>
/// <param name="Path">From the top level of the file system.</param>
/// <param name="Lineage">Which independent subvolume it descends from.</param>
internal sealed record Snapshot(string Path, int Lineage);

/// <summary>
/// A file system that was made from a seed, still mounted so that the kernel can be asked for streams. <see cref="Unmount"/>
/// leaves the images as the kernel last committed them.
/// </summary>
internal sealed class RandomState : IDisposable
{
    private readonly StateBuilder _builder;

    private RandomState(ulong seed, StateBuilder builder)
    {
        Seed = seed;
        _builder = builder;
    }

    public ulong Seed { get; }

    public StateOptions Options => _builder.Options;

    /// <summary>The image files, one a device.</summary>
    public IReadOnlyList<string> Images => _builder.Images;

    public IReadOnlyList<Snapshot> Snapshots => _builder.Snapshots;

    /// <summary>The top-level directory of the mounted file system.</summary>
    public int TopLevel => _builder.TopLevel;

    /// <summary>Every operation and the kernel's answer to it.</summary>
    public string Log => _builder.Log.ToString();

    /// <summary>What making the state went through.</summary>
    public Coverage Coverage => _builder.Log.Coverage;

    /// <summary>Makes the state of a seed; its images go into <paramref name="directory"/>, which exists and is empty.</summary>
    /// <param name="seed">What all follows from.</param>
    /// <param name="directory">For the images.</param>
    /// <param name="adjust">Changes what the seed has chosen; null for nothing.</param>
    public static RandomState Create(ulong seed, string directory, Func<StateOptions, StateOptions>? adjust = null)
    {
        StateBuilder builder = new(seed, directory, adjust);
        try
        {
            builder.Run();
            return new RandomState(seed, builder);
        }
        catch (Exception error)
        {
            builder.Dispose();
            string[] log = builder.Log.ToString().Split('\n');
            throw new InvalidOperationException($"seed {seed}: {error.Message}, after\n{log[0]}\n{string.Join('\n', log.TakeLast(12))}", error);
        }
    }

    /// <summary>Lets go of the file system; the images then hold what the kernel sent from.</summary>
    public void Unmount() => _builder.Finish();

    public void Dispose() => _builder.Dispose();
}
