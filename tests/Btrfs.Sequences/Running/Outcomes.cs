using Btrfs.Sequences.Actors;
using Btrfs.Sequences.Operations;

namespace Btrfs.Sequences.Running;

/// <summary>Which answers of the engine count as equal to the kernel's.</summary>
internal static class Outcomes
{
    private const int NoSuchIoctl = 25;

    /// <summary>Whether both have done it, or refused it for the same reason.</summary>
    public static bool AreEqual(Operation operation, int kernel, int engine)
    {
        if (kernel == engine)
            return true;
        if (kernel >= 0 || engine >= 0)
            return false;
        return Normalize(operation, -kernel) == Normalize(operation, -engine);
    }

    private static int Normalize(Operation operation, int error) => error switch
    {
        // A path is followed before anything is asked of what it leads through: our lookup says "nothing there" of both.
        ErrorNumber.NotDirectory => ErrorNumber.NotFound,

        // One word of ours for what does not fit.
        ErrorNumber.ArgumentsTooLong or ErrorNumber.Overflow => ErrorNumber.FileTooLarge,
        ErrorNumber.NoSpace when operation.Verb is Verb.SetXattr => ErrorNumber.FileTooLarge,
        34 when operation.Verb is Verb.SetXattr => ErrorNumber.Invalid,
        ErrorNumber.NotSupported => ErrorNumber.Invalid,
        ErrorNumber.AccessDenied => ErrorNumber.NotPermitted,

        // The directory that stands for a missing subvolume knows no ioctl.
        NoSuchIoctl when operation.Verb is Verb.CreateSubvolume => ErrorNumber.NotPermitted,
        _ => error,
    };
}
