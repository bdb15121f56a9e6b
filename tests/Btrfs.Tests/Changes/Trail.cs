namespace Btrfs.Tests.Changes;

/// <summary>The last things that a random test did, for the message when it fails.</summary>
internal sealed class Trail
{
    private const int Length = 60;

    private readonly Queue<string> _steps = new();

    public int Count => _steps.Count;

    public void Note(string step)
    {
        _steps.Enqueue(step);
        if (_steps.Count > Length)
            _steps.Dequeue();
    }

    /// <summary>A line each, the oldest first.</summary>
    public override string ToString() => string.Join('\n', _steps);
}
